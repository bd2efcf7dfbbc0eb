--- Addresses of a server as somebody might give them, and which of them are taken.

local LONG = ("a"):rep(63)
local right = {
    "https://open.feishu.cn", "https://open.feishu.cn/", "https://open.feishu.cn:443",
    "HTTPS://OPEN.FEISHU.CN", "https://a.example:1", "https://a.example:65535",
    "https://a.example/prefix", "https://a.example/a/b.c/d-e_f~g",
    "https://a.example/%E6%9C%89",
    "https://a-b.example", "https://a_b.example", "https://localhost", "https://gateway",
    "https://host1", "https://host1:8443", "https://api2.example.com", "https://1a.example",
    "https://xn--fiqs8s.xn--p1ai", "https://a.example/..a", "https://a.example/a..",
    "https://127.0.0.1:8443", "https://10.0.0.1", "https://255.255.255.255",
    "https://[::1]", "https://[::1]:8443", "https://[2001:db8::1]/x",
    "https://" .. LONG .. ".example",
    "https://" .. LONG .. "." .. LONG .. "." .. LONG .. "." .. ("a"):rep(61),
    "https://a.example/" .. ("a"):rep(2000),
}
local wrong = {
    "https://user@a.example", "https://user:pass@a.example", "https://@a.example",
    "https://a.example@b.example", "https://a.example/x@y", "https://a.example#b.example",
    "https://a.example/#x", "https://a.example?x=1", "https://a.example/?",
    "https://a.example\\x",
    "https:\\\\a.example", "https://a.example\\@b.example", "https://a.example/\tx",
    "https://a\t.example", "https://a.example/x y", " https://a.example", "https://a.example ",
    "https://a.example\n", "https://a.example\r\nX: y", "https://a.example\0.b.example",
    "https://a.example/\127", "https://有空.example", "https://a.example/有空",
    "https://a。example", "https://a．example", "https://\255.example",
    "https://2130706433", "https://017700000001", "https://0x7f000001", "https://0x7f.1",
    "https://127.1", "https://127.0.1", "https://127.0.0.01", "https://0177.0.0.1",
    "https://0x7f.0.0.1", "https://256.0.0.1", "https://1.2.3.4.5", "https://1.2.3.999",
    "https://a.example.1", "https://a.0x1",
    "https://[::ffff:127.0.0.1]", "https://[fe80::1%25eth0]", "https://[fe80::1%eth0]",
    "https://[::1", "https://::1", "https://[]", "https://[127.0.0.1]", "https://[g::1]",
    "https://[::1]x", "https://[:::1]",
    "https://a.example:0", "https://a.example:65536", "https://a.example:99999999999",
    "https://a.example:", "https://a.example:x", "https://a.example:-1", "https://a.example:+1",
    "https://a.example:443:443", "https://a.example: 1", "https://:443",
    "https://a.example.", "https://a.example./x", "https://.example", "https://a..example",
    "https://.", "https://..", "https://", "https:///x", "https:a.example", "https:/a.example",
    "//a.example", "a.example", "a.example:443", "/x", "https", "",
    "https://-a.example", "https://a-.example", "https://a.example,b.example",
    "https://a%2eexample", "https://a!b.example", "https://*.example",
    "https://a.example/../x", "https://a.example/x/..", "https://a.example/./x",
    "https://a.example/%2e%2e/x", "https://a.example/%2E./x", "https://a.example/.%2e",
    "https://a.example/%2e", "https://a.example//x",
    "http://a.example", "http://127.0.0.1", "http://localhost", "HTTP://a.example",
    "ftp://a.example", "file:///etc/passwd", "javascript:alert(1)", "ws://a.example",
    "httpss://a.example", "https+x://a.example",
    "https://" .. LONG .. "a.example",
    "https://" .. (LONG .. "."):rep(4) .. "example",
    "https://a.example/" .. ("a"):rep(3000), ("https://a.example/"):rep(100000),
}

-- Behind http://, with allow_plain_http.
local loopback = {
    "127.0.0.1", "127.0.0.1:8080", "127.1.2.3/x", "localhost",
    "LOCALHOST:80", "[::1]", "[::1]:8080",
}

local far = {
    "a.example", "10.0.0.1", "128.0.0.1", "0.0.0.0",
    "localhost.example",
    "127.0.0.1.example", "127.example", "[::]", "[::2]", "localhost.",
    "[::ffff:7f00:1]", "user@127.0.0.1", "127.0.0.1@b.example",
}

return {
    --- Taken.
    right = right,
    --- Refused.
    wrong = wrong,
    --- Taken behind https://, and behind http:// where that is allowed.
    loopback = loopback,
    --- Refused behind http:// even then.
    far = far,
}
