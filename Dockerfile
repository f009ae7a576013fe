# Qidai for production: web, worker and beat are one image. No build tools, no test tools, no embedded servers in it.
FROM python:3.13-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
COPY requirements.txt ./
RUN uv venv /venv && uv pip install --no-cache --python /venv/bin/python -r requirements.txt
COPY . .
# Nothing is connected to and nothing is kept of these values: settings only want them to be there.
RUN /venv/bin/python scripts/messages.py compile \
 && QIDAI_ENV=production QIDAI_SECRET_KEY=build QIDAI_FIELD_KEY=build QIDAI_VAR=/tmp/build \
    DATABASE_URL=postgres://build/build REDIS_URL=redis://build \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
 && /venv/bin/python -m compileall -q bank config core hla hospitals matching transplants

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/qidai qidai \
 && install -d -o qidai -g qidai -m 0700 /var/lib/qidai
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings QIDAI_ENV=production QIDAI_VAR=/var/lib/qidai
USER qidai
VOLUME /var/lib/qidai
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=40s CMD ["python", "docker/healthcheck.py"]
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "2", "--threads", "4", "--timeout", "120", "--graceful-timeout", "20", \
     "--no-control-socket", "--worker-tmp-dir", "/dev/shm", "--access-logfile", "-", \
     "--logger-class", "config.access_log.WithoutQueries"]
