# What head office runs. `central` is the default; `demo` adds the simulated stores.
# Built from the repository's top: docker build -f compose/docker/central.Dockerfile --target central .
FROM python:3.11.14-slim-bookworm AS central
COPY requirements-central.lock compose/docker/requirements.lock /tmp/
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore --require-hashes \
      -r /tmp/requirements-central.lock -r /tmp/requirements.lock \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin pabx \
 && printf '#!/bin/sh\nexec python3 -m central "$@"\n' > /usr/local/bin/central \
 && chmod 0755 /usr/local/bin/central
ENV PYTHONPATH=/opt/pabx PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY LICENSE /opt/pabx/
COPY index_templates /opt/pabx/index_templates
COPY pipelines /opt/pabx/pipelines
COPY dashboards /opt/pabx/dashboards
COPY shipper /opt/pabx/shipper
COPY central /opt/pabx/central
# With it the agent's file is built, which goes into the stores' bundles.
COPY deploy /opt/pabx/deploy
COPY requirements.lock /opt/pabx/
COPY compose/__init__.py /opt/pabx/compose/
COPY compose/docker /opt/pabx/compose/docker
# Compiled here: the root file system is read-only when it runs.
RUN cd /opt/pabx && python3 -m deploy.artefact --output dist && python3 -m compileall -q /opt/pabx
USER 10001:10001
ENTRYPOINT ["central"]

FROM central AS demo
USER root
COPY compose/simulator /opt/pabx/compose/simulator
RUN python3 -m compileall -q /opt/pabx/compose/simulator
USER 10001:10001
ENTRYPOINT ["python3", "-m", "compose.docker.demo"]
