"""`make bench`: what the door costs, beside a bare ASGI application, in one run."""
