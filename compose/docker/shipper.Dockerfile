# A store's agent, for a PBX whose machine runs Docker.
# Built from the repository's top: docker build -f compose/docker/shipper.Dockerfile .
FROM python:3.11.14-slim-bookworm
COPY requirements.lock /tmp/
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore --require-hashes \
      -r /tmp/requirements.lock \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin pabx \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/pabx-shipper /etc/pabx-shipper \
 && printf '#!/bin/sh\nexec python3 -m shipper "$@"\n' > /usr/local/bin/shipper \
 && chmod 0755 /usr/local/bin/shipper
ENV PYTHONPATH=/opt/pabx PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY LICENSE /opt/pabx/
COPY compose/docker/healthy.py /opt/pabx/
COPY shipper /opt/pabx/shipper
RUN python3 -m compileall -q /opt/pabx
USER 10001:10001
VOLUME ["/var/lib/pabx-shipper"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s \
  CMD ["python3", "-I", "/opt/pabx/healthy.py", "agent"]
ENTRYPOINT ["shipper"]
CMD ["run"]
