# SPDX-License-Identifier: MIT
"""Requests that are malformed, ambiguous or oversized, some that are odd and good, and what is due to
each: test_strict.py sends them. Where a status is due its paragraph of RFC 9110 or 9112 is named by
section unless it is 9112's on the request line (3), fields (5) or framing (6, 7)."""
import collections
import json

MAX_BODY = 65536  # of the gateway that they are sent to
MAX_TARGET = 16384
MAX_HEAD = 65536

# `statuses` in the order of their answers. `kept`: the connection goes on, and the next request is
# answered; else it is closed, and nothing that follows is taken for a request.
Row = collections.namedtuple("Row", "name raw statuses kept is_head")


def row(name, raw, *statuses, kept=False, is_head=False):
    return Row(name, raw, statuses, kept, is_head)


def kept(name, raw, *statuses, is_head=False):
    return Row(name, raw, statuses, True, is_head)


HOST = b"host: x\r\n"
CALL = json.dumps({"model": "my-model", "messages": [{"role": "user", "content": "hi"}]}).encode()
SMUGGLED = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"


def line(first, fields=HOST):
    return first + b"\r\n" + fields + b"\r\n"


def target(text):
    return line(b"GET " + text + b" HTTP/1.1")


def get(*fields, host=HOST):
    return line(b"GET /health HTTP/1.1", host + b"".join(field + b"\r\n" for field in fields))


def post(*fields, body=b"", path=b"/v1/chat/completions", version=b"HTTP/1.1"):
    return line(b"POST " + path + b" " + version,
                HOST + b"".join(field + b"\r\n" for field in fields)) + body


def with_length(value, body=CALL):
    return post(b"content-length: " + value, body=body)


def coded(value, body=b"0\r\n\r\n"):
    return post(b"transfer-encoding: " + value, body=body)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunks(data):
    return coded(b"chunked", data)


LAST = b"0\r\n\r\n"

REQUEST_LINES = [
    row("two blanks", line(b"GET  /health HTTP/1.1"), 400),
    row("blank at the end", line(b"GET /health HTTP/1.1 "), 400),
    row("blank at the start", line(b" GET /health HTTP/1.1"), 400),
    row("tabs for blanks", line(b"GET\t/health\tHTTP/1.1"), 400),
    row("form feed for a blank", line(b"GET\x0c/health HTTP/1.1"), 400),
    row("no method", line(b"/health HTTP/1.1"), 400),
    row("no target", line(b"GET HTTP/1.1"), 400),
    row("no version", line(b"GET /health"), 400),
    row("blank for a version", line(b"GET /health "), 400),
    row("version in lower case", line(b"GET /health http/1.1"), 400),
    row("version of three digits", line(b"GET /health HTTP/1.10"), 400),
    row("version with a letter", line(b"GET /health HTTP/1.x"), 400),
    row("version with a comma", line(b"GET /health HTTP/1,1"), 400),
    row("version with a blank", line(b"GET /health HTTP/ 1.1"), 400),
    row("more behind the version", line(b"GET /health HTTP/1.1 HTTP/1.1"), 400),
    row("HTTP/0.9", line(b"GET /health HTTP/0.9"), 505),
    row("HTTP/2.0", line(b"GET /health HTTP/2.0"), 505),
    row("HTTP/3.0", line(b"GET /health HTTP/3.0"), 505),
    row("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    row("HTTP/0.9 without a version", b"GET /health\r\n\r\n", 400),
    row("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    row("JSON", CALL, 400),
    row("an answer", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 400),
    row("bare LF", b"GET /health HTTP/1.1\nhost: x\n\n", 400),
    row("bare LF behind the first line", b"GET /health HTTP/1.1\nhost: x\r\n\r\n", 400),
    row("bare CR behind the first line", b"GET /health HTTP/1.1\rhost: x\r\n\r\n", 400),
    row("NUL in the method", line(b"G\0T /health HTTP/1.1"), 400),
    row("NUL in the target", target(b"/hea\0lth"), 400),
    row("two empty lines before", b"\r\n\r\n" + get(), 400),
    row("bare LF before", b"\n" + get(), 400),
    kept("an empty line before (2.2)", b"\r\n" + get(), 200),
    kept("HTTP/1.2 is read as 1.1 (9110: 2.5)", line(b"GET /health HTTP/1.2"), 200),
    row("target beyond ASCII", target(b"/hea\xc3\xa9"), 400),
    row("target with a fragment", target(b"/health#top"), 400),
    row("target with a backslash", target(b"/health\\"), 400),
    row("target with a quote", target(b'/health"'), 400),
    row("target with brackets", target(b"/health<x>"), 400),
    row("target with braces", target(b"/health{x}"), 400),
    row("target with a caret", target(b"/health^"), 400),
    row("target that is no path", target(b"health"), 400),
    row("target that is a query", target(b"?x"), 400),
    row("asterisk of GET", target(b"*"), 400),
    row("other scheme", target(b"ftp://x/health"), 400),
    row("absolute without a host", target(b"http:///health"), 400),
    row("absolute with a user", target(b"http://a@x/health"), 400),
    row("absolute with a bad port", target(b"http://x:80a/health"), 400),
    kept("absolute", target(b"http://x/health"), 200),
    kept("absolute for another host than Host's (3.2.2)", target(b"HTTP://y:80/health?a"), 200),
    kept("query", target(b"/health?a=b&c=%2F/?"), 200),
    kept("empty query", target(b"/health?"), 200),
    kept("two slashes", target(b"//health"), 404),
    kept("slash at the end", target(b"/health/"), 404),
    kept("dots", target(b"/v1/../health"), 404),
    kept("a path that is encoded for nothing", target(b"/%68ealth"), 404),
    kept("encoded NUL", target(b"/health%00"), 404),
    kept("encoded line end", target(b"/health%0d%0aa:b"), 404),
    kept("percent without digits", target(b"/v1/models/%"), 400),
    kept("percent with bad digits", target(b"/v1/models/%zz"), 400),
    kept("percent with one digit", target(b"/v1/models/%4"), 400),
]

METHODS = [
    kept("method in lower case (9110: 9.1)", line(b"get /health HTTP/1.1"), 501),
    kept("unknown method", line(b"BREW /health HTTP/1.1"), 501),
    kept("unknown method of odd characters", line(b"!#$%&'*+-.^_`|~ /health HTTP/1.1"), 501),
    row("method with a bracket", line(b"GE(T /health HTTP/1.1"), 400),
    row("method with a colon", line(b"GET: /health HTTP/1.1"), 400),
    row("CONNECT", line(b"CONNECT x:443 HTTP/1.1"), 501),
    row("CONNECT to a path", line(b"CONNECT /health HTTP/1.1"), 400),
    kept("TRACE", line(b"TRACE /health HTTP/1.1"), 501),
    kept("DELETE", line(b"DELETE /health HTTP/1.1"), 405),
    kept("PUT", line(b"PUT /health HTTP/1.1", HOST + b"content-length: 0\r\n"), 405),
    kept("POST where GET is meant", post(b"content-length: 0", path=b"/health"), 405),
    kept("GET where POST is meant", target(b"/v1/chat/completions"), 405),
    kept("OPTIONS of all", line(b"OPTIONS * HTTP/1.1"), 204),
    kept("OPTIONS of a path", line(b"OPTIONS /health HTTP/1.1"), 204),
    kept("OPTIONS of nothing", line(b"OPTIONS /nothing HTTP/1.1"), 404),
    row("OPTIONS with a body", line(b"OPTIONS /health HTTP/1.1", HOST + b"content-length: 40\r\n") + SMUGGLED,
        204),
    kept("HEAD", line(b"HEAD /health HTTP/1.1"), 200, is_head=True),
    kept("HEAD where POST is meant", line(b"HEAD /v1/chat/completions HTTP/1.1"), 405, is_head=True),
    kept("HEAD of nothing", line(b"HEAD /nothing HTTP/1.1"), 404, is_head=True),
    kept("HEAD of metrics", line(b"HEAD /metrics HTTP/1.1"), 200, is_head=True),
    kept("HEAD of models", line(b"HEAD /v1/models HTTP/1.1"), 200, is_head=True),
]

FIELDS = [
    row("folded", get(b"x: a\r\n b"), 400),
    row("folded by a tab", get(b"x: a\r\n\tb"), 400),
    row("folded first field", line(b"GET /health HTTP/1.1", b" host: x\r\n"), 400),
    row("blank before the colon", get(b"x : a"), 400),
    row("tab before the colon", get(b"x\t: a"), 400),
    row("no colon", get(b"x"), 400),
    row("no name", get(b": a"), 400),
    row("name with a blank", get(b"x y: a"), 400),
    row("name with a bracket", get(b"x(y): a"), 400),
    row("name with a quote", get(b'"x": a'), 400),
    row("name beyond ASCII", get(b"\xc3\xa9: a"), 400),
    row("NUL in a name", get(b"x\0: a"), 400),
    row("NUL in a value", get(b"x: a\0b"), 400),
    row("bare CR in a value", get(b"x: a\rb"), 400),
    row("bare CR and a field", get(b"x: a\rcontent-length: 5"), 400),
    row("bare LF in a value", get(b"x: a\ncontent-length: 5"), 400),
    row("CR CR LF", get(b"x: a\r"), 400),
    row("DEL in a value", get(b"x: \x7f"), 400),
    row("vertical tab in a value", get(b"x: \x0b"), 400),
    row("escape in a value", get(b"x: \x1b[0m"), 400),
    row("bare LF for the empty line", b"GET /health HTTP/1.1\r\nhost: x\r\n\n", 400),
    row("bare CR for the empty line", b"GET /health HTTP/1.1\r\nhost: x\r\n\rGET", 400),
    kept("value beyond ASCII", get(b"x: \xc3\xa9"), 200),
    kept("empty value", get(b"x:"), 200),
    kept("blanks and tabs around a value", get(b"x: \t a\tb \t"), 200),
    kept("names of odd characters", get(b"!#$%&'*+-.^_`|~09: a"), 200),
    row("no Host", get(host=b""), 400),
    row("no Host beside an absolute target", line(b"GET http://x/health HTTP/1.1", b""), 400),
    row("two Hosts", get(b"host: y"), 400),
    row("two Hosts that are alike", get(b"Host: x"), 400),
    row("Host with a path", get(host=b"host: x/y\r\n"), 400),
    row("Host with a user", get(host=b"host: x@y\r\n"), 400),
    row("Host with a blank", get(host=b"host: x y\r\n"), 400),
    row("Host with a bad port", get(host=b"host: x:y\r\n"), 400),
    row("Host with two ports", get(host=b"host: x:1:2\r\n"), 400),
    row("Host without a name", get(host=b"host: :80\r\n"), 400),
    row("Host with an open bracket", get(host=b"host: [::1\r\n"), 400),
    row("Host with text behind a bracket", get(host=b"host: [::1]x\r\n"), 400),
    kept("empty Host (3.2)", get(host=b"host:\r\n"), 200),
    kept("Host with a port", get(host=b"host: x:80\r\n"), 200),
    kept("Host that is an address", get(host=b"host: [::1]:80\r\n"), 200),
    row("another expectation (9110: 10.1.1)", post(b"content-length: 2", b"expect: 200-ok"), 417),
    row("another before 100", post(b"content-length: 2", b"expect: 200-ok", b"expect: 100-continue"), 417),
    row("another behind 100", post(b"content-length: 2", b"expect: 100-continue", b"expect: 200-ok"), 417),
    kept("unknown upgrade", get(b"connection: upgrade", b"upgrade: h2c"), 200),
]

LENGTHS = [
    kept("length", with_length(b"%d" % len(CALL)), 200),
    kept("length with zeros and blanks", with_length(b" \t000%d " % len(CALL)), 200),
    row("two lengths", post(b"content-length: 5", b"content-length: 6", body=CALL), 400),
    row("two lengths that are alike", post(b"content-length: 5", b"content-length: 5", body=CALL), 400),
    row("length in two cases", post(b"content-length: 5", b"CONTENT-LENGTH: 5", body=CALL), 400),
    row("list of lengths", with_length(b"5, 5"), 400),
    row("negative length", with_length(b"-1"), 400),
    row("signed length", with_length(b"+5"), 400),
    row("hexadecimal length", with_length(b"0x5"), 400),
    row("length with a point", with_length(b"5.0"), 400),
    row("length with an exponent", with_length(b"5e0"), 400),
    row("length with a letter", with_length(b"5a"), 400),
    row("length with a blank in it", with_length(b"5 5"), 400),
    row("length in quotes", with_length(b'"5"'), 400),
    row("length with a semicolon", with_length(b"5;"), 400),
    row("length with a NUL", with_length(b"5\0"), 400),
    row("empty length", with_length(b""), 400),
    row("length beyond 63 bits", with_length(b"9223372036854775808"), 400),
    row("length beyond 64 bits", with_length(b"18446744073709551621"), 400),
    row("blank before the colon of the length", post(b"content-length : 5", body=CALL), 400),
    row("folded length", post(b"content-length:\r\n 5", body=CALL), 400),
    row("length too large", with_length(b"%d" % (MAX_BODY + 1), b""), 413),
    row("length too large by far", with_length(b"9223372036854775807", b""), 413),
    row("no length (9110: 15.5.12)", post(body=CALL), 411),
    row("no length, and a request", post(body=SMUGGLED), 411),
    row("no length in HTTP/1.0", post(body=CALL, version=b"HTTP/1.0"), 411),
    kept("length 0", with_length(b"0", b""), 400),
    row("no length where there is nothing", post(path=b"/nothing", body=SMUGGLED), 404),
    row("a body where there is nothing", post(b"content-length: 50", path=b"/nothing"), 404),
    row("a body that another method has", line(b"PUT /v1/chat/completions HTTP/1.1",
                                               HOST + b"content-length: 40\r\n") + SMUGGLED, 405),
    row("coded body (9110: 8.4)", post(b"content-encoding: gzip", b"content-length: 2", body=b"xx"), 415),
    kept("body as it is", post(b"content-encoding: identity", b"content-length: %d" % len(CALL),
                               body=CALL), 200),
    kept("100 (9110: 10.1.1)", post(b"expect: 100-continue", b"content-length: %d" % len(CALL)) + CALL,
         200),
    row("100 for too much", post(b"expect: 100-continue", b"content-length: 70000"), 413),
    row("100 for nothing", post(b"expect: 100-continue", b"content-length: 5", path=b"/nothing"), 404),
    row("100 for a path of GET", post(b"expect: 100-continue", b"content-length: 5", path=b"/health"), 405),
    row("100 for a coded body", post(b"expect: 100-continue", b"content-length: 5",
                                     b"content-encoding: br"), 415),
]

CODINGS = [
    kept("chunked", chunks(chunk(CALL) + LAST), 200),
    kept("chunked in capitals", coded(b"CHUNKED", chunk(CALL) + LAST), 200),
    row("length and chunked", post(b"content-length: 5", b"transfer-encoding: chunked",
                                   body=LAST + SMUGGLED), 400),
    row("chunked and length", post(b"transfer-encoding: chunked", b"content-length: 5",
                                   body=LAST + SMUGGLED), 400),
    row("chunked and length 0", post(b"transfer-encoding: chunked", b"content-length: 0",
                                     body=chunk(CALL) + LAST), 400),
    row("gzip", coded(b"gzip"), 501),
    row("gzip, chunked", coded(b"gzip, chunked"), 501),
    row("chunked, gzip", coded(b"chunked, gzip"), 501),
    row("chunked, chunked", coded(b"chunked, chunked"), 501),
    row("identity", coded(b"identity"), 501),
    row("chunked, identity", coded(b"chunked, identity"), 501),
    row("xchunked", coded(b"xchunked"), 501),
    row("chunked with a parameter", coded(b"chunked;q=1"), 501),
    row("chunked in quotes", coded(b'"chunked"'), 501),
    row("a comma before chunked", coded(b",chunked"), 501),
    row("a comma behind chunked", coded(b"chunked,"), 501),
    row("vertical tab before chunked", coded(b"\x0bchunked"), 400),
    row("NUL behind chunked", coded(b"chunked\0"), 400),
    row("chunked beyond ASCII", coded(b"chun\xe2\x84\xaaed"), 501),
    row("chunked twice", post(b"transfer-encoding: chunked", b"transfer-encoding: chunked", body=LAST),
        400),
    row("identity, then chunked", post(b"transfer-encoding: identity", b"transfer-encoding: chunked",
                                       body=LAST), 501),
    row("empty coding", coded(b""), 400),
    row("blank before the colon of the coding", post(b"transfer-encoding : chunked", body=LAST), 400),
    row("folded coding", post(b"transfer-encoding:\r\n chunked", body=LAST), 400),
    row("chunked in HTTP/1.0 (6.1)", post(b"transfer-encoding: chunked", body=LAST, version=b"HTTP/1.0"),
        400),
]

CHUNKS = [
    kept("hexadecimal in both cases, with zeros", chunks(b"00%X\r\n%s\r\n000\r\n\r\n" % (len(CALL), CALL)),
         200),
    kept("several", chunks(chunk(CALL[:7]) + chunk(CALL[7:9]) + chunk(CALL[9:]) + LAST), 200),
    kept("extensions", chunks(b"%x;a=b;c=\"d\"\r\n%s\r\n0;e\r\n\r\n" % (len(CALL), CALL)), 200),
    kept("trailers", chunks(chunk(CALL) + b"0\r\nx: y\r\nz:\r\n\r\n"), 200),
    kept("a trailer that would frame (9110: 6.5.1)",
         chunks(chunk(CALL) + b"0\r\ncontent-length: 50\r\n\r\n"), 200),
    kept("no data", chunks(LAST), 400),
    row("no size", chunks(b"\r\n" + LAST), 400),
    row("size that is no number", chunks(b"zz\r\n" + LAST), 400),
    row("negative size", chunks(b"-1\r\n" + LAST), 400),
    row("signed size", chunks(b"+1\r\nx\r\n" + LAST), 400),
    row("size with 0x", chunks(b"0x1\r\nx\r\n" + LAST), 400),
    row("blank before the size", chunks(b" 1\r\nx\r\n" + LAST), 400),
    row("two sizes", chunks(b"1 1\r\nx\r\n" + LAST), 400),
    row("underscore in the size", chunks(b"1_0\r\n" + LAST), 400),
    row("size beyond 64 bits", chunks(b"1" + b"0" * 16 + b"\r\n" + LAST), 400),
    row("size of too many zeros", chunks(b"0" * 5000 + b"\r\n\r\n"), 400),
    row("size too large", chunks(b"10001\r\n"), 413),
    row("size too large by far", chunks(b"ffffffffffffff\r\n"), 413),
    row("chunks that are too large together", chunks(chunk(b"x" * 40000) * 2), 413),
    row("bare LF behind the size", chunks(b"1\nx\r\n" + LAST), 400),
    row("bare CR behind the size", chunks(b"1\rx\r\n" + LAST), 400),
    row("bare LF in an extension", chunks(b"1;a\nb\r\nx\r\n" + LAST), 400),
    row("bare CR in an extension", chunks(b"1;a\rb\r\nx\r\n" + LAST), 400),
    row("NUL in an extension", chunks(b"1;a\0\r\nx\r\n" + LAST), 400),
    row("extensions that are too many", chunks(b"1;%s\r\nx\r\n" % (b"a" * 200) * 1000 + LAST), 400),
    row("extensions that are too long", chunks(b"1;" + b"a" * 5000 + b"\r\nx\r\n" + LAST), 400),
    row("more than the size", chunks(b"1\r\nxy\r\n" + LAST), 400),
    row("less than the size", chunks(b"5\r\nx\r\n" + LAST + SMUGGLED), 400),
    row("bare LF behind the data", chunks(b"1\r\nx\n" + LAST), 400),
    row("bare CR behind the data", chunks(b"1\r\nx\r" + LAST), 400),
    row("bare LF at the end", chunks(b"0\r\n\n"), 400),
    row("bare LF behind the last size", chunks(b"0\n\r\n"), 400),
    row("a request for a trailer", chunks(b"0\r\n" + SMUGGLED), 400),
    row("trailer without a colon", chunks(b"0\r\nx\r\n\r\n"), 400),
    row("trailer without a name", chunks(b"0\r\n: x\r\n\r\n"), 400),
    row("folded trailer", chunks(b"0\r\nx: y\r\n z\r\n\r\n"), 400),
    row("blank before a trailer's colon", chunks(b"0\r\nx : y\r\n\r\n"), 400),
    row("bare LF in a trailer", chunks(b"0\r\nx: y\nz: w\r\n\r\n"), 400),
    row("NUL in a trailer", chunks(b"0\r\nx: \0\r\n\r\n"), 400),
    row("trailers that are too long", chunks(b"0\r\n" + b"x: y\r\n" * 4000 + b"\r\n"), 400),
]

SIZES = [
    kept("target as long as it may be", target(b"/" + b"a" * (MAX_TARGET - 1)), 404),
    row("target a byte longer", target(b"/" + b"a" * MAX_TARGET), 414),
    row("target without end", b"GET /" + b"a" * 80000, 414),
    row("query without end", b"GET /health?" + b"a" * 80000, 414),
    row("method without end", b"G" * 80000, 414),
    kept("100 fields", get(*[b"x: y"] * 99), 200),
    row("101 fields", get(*[b"x: y"] * 100), 431),
    row("fields without end", b"GET /health HTTP/1.1\r\n" + b"x: y\r\n" * 5000, 431),
    kept("head as large as it may be", get(b"x: " + b"y" * (MAX_HEAD - len(get()) - 6)), 200),
    row("head a few bytes larger", get(b"x: " + b"y" * (MAX_HEAD - len(get()) + 3)), 431),
    row("value without end", b"GET /health HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 80000, 431),
    row("name without end", b"GET /health HTTP/1.1\r\nhost: x\r\n" + b"y" * 80000, 431),
    row("head of 1 MB", get(b"x: " + b"y" * 1000000), 431),
    kept("body as long as it may be", with_length(b"%d" % MAX_BODY, CALL.ljust(MAX_BODY)), 200),
    kept("chunks as long as they may be",
         chunks(chunk(CALL) + chunk(b" " * (MAX_BODY - len(CALL))) + LAST), 200),
]

ENDS = [
    row("close", get(b"connection: close"), 200),
    row("close among others", get(b"connection: te, Close ,x"), 200),
    row("close and keep-alive", get(b"connection: keep-alive", b"connection: close"), 200),
    row("HTTP/1.0", line(b"GET /health HTTP/1.0"), 200),
    row("HTTP/1.0 without Host", line(b"GET /health HTTP/1.0", b""), 200),
    kept("HTTP/1.0 that is kept", line(b"GET /health HTTP/1.0", HOST + b"connection: Keep-Alive\r\n"), 200),
    row("GET with a body that is a request", get(b"content-length: %d" % len(SMUGGLED)) + SMUGGLED, 200),
    row("GET with a body in chunks", get(b"transfer-encoding: chunked") + chunk(SMUGGLED) + LAST, 200),
    row("HEAD with a body", line(b"HEAD /health HTTP/1.1", HOST + b"content-length: 40\r\n") + SMUGGLED, 200,
        is_head=True),
    kept("three at once", get() + target(b"/nothing") + get(), 200, 404, 200),
    kept("calls and others at once", get() + with_length(b"%d" % len(CALL)) + target(b"/v1/models") +
         chunks(chunk(CALL) + LAST) + target(b"/nothing") + with_length(b"2", b"{}"),
         200, 200, 200, 200, 404, 400),
    row("good ones before a bad one", get() + get() + get(b"x : y"), 200, 200, 400),
    row("a call before a bad one", with_length(b"%d" % len(CALL)) + b"\0", 200, 400),
]

ROWS = REQUEST_LINES + METHODS + FIELDS + LENGTHS + CODINGS + CHUNKS + SIZES + ENDS
