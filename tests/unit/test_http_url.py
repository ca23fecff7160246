from firmware.http_url import UrlError, join, parse


def parts(text):
    """As ``parse`` gives them, the path copied."""
    secure, host, port, authority, authorization, path, fragment = parse(text)
    return secure, host, port, bytes(authority), bytes(authorization), bytes(path), fragment


def test_scheme_host_and_port():
    for text, expected in (
        (b"http://host", (False, "host", 80, b"host")),
        (b"HTTP://host/a", (False, "host", 80, b"host")),
        (b"https://host", (True, "host", 443, b"host")),
        (b"HttpS://host/a", (True, "host", 443, b"host")),
        (b"http://host:8080/a", (False, "host", 8080, b"host:8080")),
        (b"https://host:8443/a", (True, "host", 8443, b"host:8443")),
        (b"https://host:80", (True, "host", 80, b"host:80")),
        (b"http://10.0.0.1:1/x", (False, "10.0.0.1", 1, b"10.0.0.1:1")),
        (b"http://10.0.0.1:65535/x", (False, "10.0.0.1", 65535, b"10.0.0.1:65535")),
        (b"http://[::1]", (False, "::1", 80, b"[::1]")),
        (b"http://[fe80::1]/x", (False, "fe80::1", 80, b"[fe80::1]")),
        (b"https://[2001:db8::5]:8443/x", (True, "2001:db8::5", 8443, b"[2001:db8::5]:8443")),
    ):
        assert parts(text)[:4] == expected, text


def test_path():
    for text, expected in (
        (b"http://host", b""),
        (b"http://host/", b"/"),
        (b"http://host:8080/a/b?c=d&e", b"/a/b?c=d&e"),
        (b"http://host?a/b", b"?a/b"),
        (b"http://host/a@b", b"/a@b"),
        (b"http://host/a:1@b//c", b"/a:1@b//c"),
        (b"http://host/?u=http://other/", b"/?u=http://other/"),
        (b"https://[::1]/x", b"/x"),
        (b"http://host/a%20b", b"/a%20b"),
    ):
        assert parts(text)[5:] == (expected, b""), text


def test_fragment():
    for text, path, fragment in (
        (b"http://host/a#b", b"/a", b"b"),
        (b"http://host#b/c", b"", b"b/c"),
        (b"http://host?a#b?c", b"?a", b"b?c"),
        (b"http://host/a#", b"/a", b""),
        (b"http://host/a#b#c", b"/a", b"b#c"),
        (b"http://host#x@y:1", b"", b"x@y:1"),
        (b"https://host/a#sha256=0123", b"/a", b"sha256=0123"),
    ):
        assert parts(text)[1:3] == ("host", 443 if text[4] == 0x73 else 80), text
        assert parts(text)[5:] == (path, fragment), text


def test_user_and_password():
    for text, user, host, authority in (
        (b"http://user:pass@host:81/x", b"user:pass", "host", b"host:81"),
        (b"https://user:pass@host/x", b"user:pass", "host", b"host"),
        (b"http://user@host/x", b"user", "host", b"host"),
        (b"http://user:@host", b"user:", "host", b"host"),
        (b"http://a:b@c@host/x", b"a:b@c", "host", b"host"),
        (b"http://us%65r:p%40s%3as@host/x", b"user:p@s:s", "host", b"host"),
        (b"http://u:p@[::1]:81/x", b"u:p", "::1", b"[::1]:81"),
        (b"http://host/x", b"", "host", b"host"),
        (b"http://@host/x", b"", "host", b"host"),
    ):
        seen = parts(text)
        assert (seen[1], seen[3], seen[4]) == (host, authority, base64(user)), text


def base64(data):
    from binascii import b2a_base64

    return b2a_base64(data)[:-1]


def test_a_long_password_stays_on_one_line():
    authorization = parts(b"http://user:" + b"p" * 200 + b"@host/")[4]
    assert authorization == base64(b"user:" + b"p" * 200)
    assert b"\n" not in authorization


def test_the_path_is_not_copied():
    text = bytearray(b"http://host/abc#d")
    path = parse(text)[5]
    text[12] = 0x78
    assert bytes(path) == b"/xbc"


def test_refused():
    for text in (
        b"",
        b"http",
        b"http:",
        b"http:/",
        b"http://",
        b"https://",
        b"https:/host",
        b"http:///a",
        b"http://#a",
        b"http://?a",
        b"http://user@/a",
        b"httpx://host/",
        b"ftp://host/",
        b"host/a",
        b"//host/a",
        b"http:/host",
        b"http://:80/",
        b"http://host:/",
        b"http://host:0/",
        b"http://host:65536/",
        b"http://host:99999999999999999999/",
        b"http://host:x/",
        b"http://host:-1/",
        b"http://host:8 0/",
        b"http://host:80:80/",
        b"http://[]/",
        b"http://[::1/",
        b"http://[::1]80/",
        b"http://[::1]:/",
        b"http://[::1]:0/",
        b"http://::1/",
        b"http://ho st/",
        b"http://host/a b",
        b"http://host/\r\nX: y",
        b"http://host/a#b\n",
        b"http://host/\x00",
        b"http://host/\x7f",
    ):
        for value in (text, bytearray(text)):
            try:
                parse(value)
            except UrlError:
                continue
            raise AssertionError(text)


def test_refused_escapes_and_names():
    for text in (b"http://user:a%zzb@host/", b"http://user:a%@host/", b"http://user:a%-@host/", b"http://\xff\xfe/"):
        try:
            parse(text)
        except ValueError:
            continue
        raise AssertionError(text)


BASE = b"http://user@host:81/a/b?c=d/e#f"


def test_join():
    base = parse(BASE)
    for location, authority, path in (
        (b"http://other/x", b"other", b"/x"),
        (b"//other:5/x", b"other:5", b"/x"),
        (b"//[::1]:5/x", b"[::1]:5", b"/x"),
        (b"/x?y", b"host:81", b"/x?y"),
        (b"/x?u=http://other/", b"host:81", b"/x?u=http://other/"),
        (b"x", b"host:81", b"/a/x"),
        (b"x/y", b"host:81", b"/a/x/y"),
        (b"x?u=http://other/", b"host:81", b"/a/x?u=http://other/"),
        (b"?y", b"host:81", b"/a/b?y"),
        (b"?y=1:2/3", b"host:81", b"/a/b?y=1:2/3"),
    ):
        url = join(base, location)
        assert (bytes(url[3]), bytes(url[5])) == (authority, path), location
        assert url[:1] == (False,), location


def test_join_keeps_or_changes_the_scheme():
    for base, location, secure, port in (
        (b"http://host/a", b"https://host/b", True, 443),
        (b"https://host/a", b"http://host/b", False, 80),
        (b"https://host/a", b"/b", True, 443),
        (b"https://host:8443/a", b"b", True, 8443),
        (b"https://host/a", b"//other/b", True, 443),
        (b"http://[::1]:81/a", b"b", False, 81),
    ):
        url = join(parse(base), location)
        assert (url[0], url[2], bytes(url[5])) == (secure, port, b"/b"), location


def test_join_from_an_empty_path():
    assert bytes(join(parse(b"http://host"), b"x")[5]) == b"/x"
    assert bytes(join(parse(b"http://host?q"), b"x")[5]) == b"/x"


def test_a_password_goes_to_the_same_server_only():
    base = parse(b"http://user:pass@host:81/a/b")
    for location in (b"x", b"/x", b"?x", b"//host:81/x", b"http://host:81/x"):
        assert join(base, location)[4] == base64(b"user:pass"), location
    for location in (b"http://other/x", b"//other:81/x", b"https://host:81/x", b"http://host/x", b"//host:82/x"):
        assert join(base, location)[4] == b"", location
    assert join(base, b"http://else:word@host:81/x")[4] == base64(b"else:word")


def test_join_refused():
    for location in (b"ftp://other/x", b"http:///x", b"//", b"/a b"):
        try:
            join(parse(BASE), location)
        except UrlError:
            continue
        raise AssertionError(location)
