"""The schema's history. New tables: a file in ``versions``, named ``<yyyymmdd>_<topic>.py``, following the newest."""
