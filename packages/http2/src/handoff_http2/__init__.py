"""An HTTP/2 client for thousands of small requests (RFC 9113 and RFC 7541).

Each exchange reports whether the server responded, did not process the request, or may have processed it. The client
declines server push and HPACK's dynamic table, and ignores priorities.
"""
