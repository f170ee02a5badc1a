"""Settings of gunicorn for a small machine. Only a few people use the admin at a time.

https://gunicorn.org/reference/settings/
"""

bind = "127.0.0.1:8000"  # only for the proxy on this machine, which terminates TLS; containers override it with --bind
workers = 2
threads = 4
timeout = 60
max_requests = 2000  # restart a worker after this number of requests, in case it leaks memory
max_requests_jitter = 200
accesslog = None  # the proxy writes an access log
worker_tmp_dir = "/dev/shm"  # noqa: S108  (heartbeat files on a slow disk can block workers)
