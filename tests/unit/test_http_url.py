from firmware.http_stream import HttpError, Url


def parts(text):
    url = Url(text)
    return url.host, url.port, bytes(url.authority), bytes(url.path)


def test_parts():
    for text, expected in (
        (b"http://host", ("host", 80, b"host", b"")),
        (b"http://host/", ("host", 80, b"host", b"/")),
        (b"HTTP://host/a", ("host", 80, b"host", b"/a")),
        (b"http://host:8080/a/b?c=d&e", ("host", 8080, b"host:8080", b"/a/b?c=d&e")),
        (b"http://host?a/b", ("host", 80, b"host", b"?a/b")),
        (b"http://10.0.0.1:1/x", ("10.0.0.1", 1, b"10.0.0.1:1", b"/x")),
        (b"http://user:pass@host:81/x", ("host", 81, b"host:81", b"/x")),
        (b"http://host/a#b", ("host", 80, b"host", b"/a")),
        (b"http://host#b/c", ("host", 80, b"host", b"")),
        (b"http://host/a@b", ("host", 80, b"host", b"/a@b")),
    ):
        assert parts(text) == expected, text


def test_refused():
    for text in (
        (
            b"",
            b"http",
            b"http://",
            b"http:///a",
            b"https://host/",
            b"ftp://host/",
            b"host/a",
            b"//host/a",
            b"http:/host",
        )
        + (
            b"http://:80/",
            b"http://host:/",
            b"http://host:0/",
            b"http://host:65536/",
            b"http://host:x/",
            b"http://host:-1/",
        )
        + (b"http://ho st/", b"http://host/a b", b"http://host/\r\nX: y", b"http://host/\x00", b"http://host/\x7f")
    ):
        try:
            Url(text)
        except HttpError:
            continue
        raise AssertionError(text)


def test_join():
    base = Url(b"http://user@host:81/a/b?c=d/e#f")
    for location, authority, path in (
        (b"http://other/x", b"other", b"/x"),
        (b"//other:5/x", b"other:5", b"/x"),
        (b"/x?y", b"host:81", b"/x?y"),
        (b"x", b"host:81", b"/a/x"),
        (b"x/y", b"host:81", b"/a/x/y"),
    ):
        url = base.join(location)
        assert (bytes(url.authority), bytes(url.path)) == (authority, path), location
