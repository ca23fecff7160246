"""``errno`` of the ESP32 port: newlib's and lwIP's numbers (py/moderrno.c lists the names).

The interpreter's compiler replaces the expression ``errno.NAME`` in source code by the host's number before this module
is ever asked. ``from errno import NAME`` and .mpy files are safe.
"""

EPERM = 1
ENOENT = 2
EIO = 5
EBADF = 9
EAGAIN = 11
ENOMEM = 12
EACCES = 13
EEXIST = 17
ENODEV = 19
EISDIR = 21
EINVAL = 22
EOPNOTSUPP = 95
ECONNRESET = 104
ENOBUFS = 105
ECONNREFUSED = 111
EADDRINUSE = 112
ECONNABORTED = 113
ETIMEDOUT = 116
EHOSTUNREACH = 118
EINPROGRESS = 119
EALREADY = 120
ENOTCONN = 128

errorcode = {value: name for name, value in globals().items() if name[0] == "E"}
