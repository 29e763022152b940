"""What every trial needs: the cluster, the processes, the options."""

import pathlib
import shutil
import tempfile

from . import processes, wire


class Place:
    def __init__(self, cluster, started, options):
        self.cluster, self.processes, self.options = cluster, started, options
        self.pool = options.pool
        self.bench = self._copy_of(options.bench)

    def _copy_of(self, program):
        """The unprivileged user may not be allowed to read where it was built. None: there is none."""
        if not program or not shutil.which(program):
            return None
        copy = pathlib.Path(shutil.copy(shutil.which(program), self.cluster.directory / "pgweir-bench"))
        copy.chmod(0o755)
        return copy

    def client(self, system, **more):
        return wire.Client(system.address, self.cluster, **more)

    def scratch(self, name):
        """A new directory that the unprivileged user may write to."""
        path = tempfile.mkdtemp(prefix=name + ".", dir=self.cluster.directory)
        processes.give_away(path)
        return path
