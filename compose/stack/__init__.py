"""The servers on one machine without Docker: a real OpenSearch and a real MariaDB.

Both are put together from Maven's central repository, run on 127.0.0.1 only, and need no root:

    with MariaDB(data_dir) as database, OpenSearchCluster(other_dir) as cluster:
        print(database.port, cluster.url)
"""

from compose.stack.errors import StackError
from compose.stack.mariadb import MariaDB
from compose.stack.node import QUICK_START
from compose.stack.opensearch import OpenSearchCluster

__all__ = ["QUICK_START", "MariaDB", "OpenSearchCluster", "StackError"]
