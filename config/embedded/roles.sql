-- Database, roles and rights (decision 8): the owner migrates, the application reads and writes rows only.
-- For psql as superuser, run as often as you like. Passwords come from the environment, never from a command line.
-- The private servers of a laptop run it at each start, docker-compose.yml when a cluster is made.
\set ON_ERROR_STOP on
\getenv owner_password QIDAI_OWNER_PASSWORD
\getenv app_password QIDAI_APP_PASSWORD

SELECT 'CREATE ROLE qidai_owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'qidai_owner') \gexec
SELECT 'CREATE ROLE qidai_app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'qidai_app') \gexec
ALTER ROLE qidai_owner LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD :'owner_password';
ALTER ROLE qidai_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';

-- In template1 first: every database that the owner makes, as test runs do, begins with the same rights.
\connect template1
REVOKE CREATE ON SCHEMA public FROM PUBLIC, qidai_app;
GRANT USAGE ON SCHEMA public TO qidai_app;
ALTER DEFAULT PRIVILEGES FOR ROLE qidai_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO qidai_app;
ALTER DEFAULT PRIVILEGES FOR ROLE qidai_owner GRANT USAGE, SELECT ON SEQUENCES TO qidai_app;

\connect postgres
SELECT 'CREATE DATABASE qidai OWNER qidai_owner TEMPLATE template1'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'qidai') \gexec
