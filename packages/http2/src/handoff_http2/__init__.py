"""HTTP/2 as a client that sends small requests by the thousand needs it: RFC 9113 and RFC 7541.

It depends on nothing of the worker but `limit`, and knows what became of each request: answered, not begun, or nobody
knows. What a server may do and this client has no use for (push, priorities, a table of header fields) it declines.
"""
