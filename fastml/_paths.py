"""Where the compiled kernels are when ``fastml`` was imported from a source folder."""

import re
from pathlib import Path
from pkgutil import extend_path


def with_installed_kernels(path, version):
    """Search path of the package, with the folder of an installed wheel behind the source folder.

    In a clone's root Python imports the source folder ``fastml/``, which has no kernels: they lie in
    ``kernels/``, which only a build puts in place. An editable install finds them by itself. With a wheel
    installed, they are in the wheel's own ``fastml/``, which is therefore searched next.

    Parameters
    ----------
    path : list of str
        ``fastml.__path__`` as Python made it.
    version : str
        The version of the source folder.

    Returns
    -------
    list of str
    """
    if Path(path[0], "_kernels").is_dir():
        return path
    installed = [folder for folder in extend_path(path, "fastml")[len(path) :] if Path(folder, "_kernels").is_dir()]
    for folder in installed:
        found = re.search(r'__version__ = "(.+)"', Path(folder, "_version.py").read_text())
        if found is None or found[1] != version:
            raise ImportError(
                f"fastml {version} in {path[0]} cannot use the kernels of fastml {found and found[1]}, which is "
                f"installed in {folder}: install this source folder (pip install .), or start Python elsewhere."
            )
    return path + installed
