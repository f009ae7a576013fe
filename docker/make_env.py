"""Print a .env with fresh secrets for docker-compose.yml: `python3 docker/make_env.py HOST > .env`

HOST is the name under which people reach Qidai. Keep the file: QIDAI_FIELD_KEY decrypts the patients' identities,
without it they are lost.
"""

import secrets
import sys

SECRETS = (
    "POSTGRES_PASSWORD",
    "QIDAI_OWNER_PASSWORD",
    "QIDAI_APP_PASSWORD",
    "VALKEY_PASSWORD",
    "QIDAI_SECRET_KEY",
    "QIDAI_FIELD_KEY",
)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    host = sys.argv[1]
    lines = [f"QIDAI_ALLOWED_HOSTS={host}", f"QIDAI_TRUSTED_ORIGINS=https://{host}"]
    # in URLs: letters, digits, - and _ only
    lines += [f"{name}={secrets.token_urlsafe(36)}" for name in SECRETS]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
