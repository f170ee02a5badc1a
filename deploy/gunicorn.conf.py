"""gunicorn for a small machine: the admin is read by a few people at a time.

https://gunicorn.org/reference/settings/
"""

bind = "127.0.0.1:8000"  # a proxy with TLS stands before it; containers override it with --bind
workers = 2
threads = 4
timeout = 60
max_requests = 2000  # a worker is renewed now and then, whatever leaks
max_requests_jitter = 200
accesslog = None  # the proxy writes one
worker_tmp_dir = "/dev/shm"  # noqa: S108  (a heartbeat file on a slow disk stops workers)
