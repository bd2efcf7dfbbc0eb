--- Servers that a client must not trust. Each is refused, with no byte of the request at the
-- server, in each way of waiting. That the server was up is shown twice: a client that trusts
-- anybody gets its answer, and with a good certificate and a protocol of today the same port
-- answers ours.

local altname = require "openssl.x509.altname"
local bignum = require "openssl.bignum"
local cjson = require "cjson"
local cloudcal = require "cloudcal"
local context = require "openssl.ssl.context"
local core = require "cloudcal.core"
local cqueues = require "cqueues"
local extension = require "openssl.x509.extension"
local nginx_server = require "spec.hosts.nginx_server"
local one_call = require "spec.torture.one_call"
local pkey = require "openssl.pkey"
local rand = require "openssl.rand"
local socket = require "cqueues.socket"
local x509 = require "openssl.x509"
local x509_chain = require "openssl.x509.chain"
local x509_name = require "openssl.x509.name"

local DAY = 86400
local SECONDS = 60 -- for anything
local WEAK = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"

-- {======================================================
-- Certificates
-- =======================================================}

local function new_key(kind) return pkey.new(kind or { type = "EC", curve = "prime256v1" }) end

-- { key, certificate, name }, signed by `by` or by itself
local function issue(common_name, by, given)
    local key, now = new_key(given.key), os.time()
    local name = x509_name.new():add("CN", common_name)
    local made = x509.new()
    made:setVersion(3)
    made:setSerial(bignum.fromBinary("\1" .. rand.bytes(15)))
    made:setSubject(name)
    made:setIssuer(by and by.name or name)
    made:setLifetime(now + (given.from or -DAY), now + (given.to or DAY))
    made:setPublicKey(key)
    if given.ca then
        made:setBasicConstraints { CA = true }
        made:setBasicConstraintsCritical(true)
    end
    if given.ip or given.dns then
        local names = altname.new()
        if given.ip then names:add("IP", given.ip) end
        if given.dns then names:add("DNS", given.dns) end
        made:setSubjectAlt(names)
    end
    for option, value in pairs(given.extensions or {}) do
        made:addExtension(extension.new(option, value))
    end
    made:sign(by and by.key or key, given.digest or "sha256")
    return { key = key, certificate = made, name = name }
end

local CA_USAGE = { keyUsage = "critical,keyCertSign,cRLSign" }
local root = issue("root", nil, { ca = true, extensions = CA_USAGE })
local stranger = issue("stranger", nil, { ca = true, extensions = CA_USAGE })
local middle = issue("middle", root, { ca = true, extensions = CA_USAGE })
local no_ca = issue("no CA", root, {})
local HERE = { ip = "127.0.0.1" }

local function with(changes)
    local given = { ip = "127.0.0.1" }
    for name, value in pairs(changes) do given[name] = value end
    return given
end

local function server_context(leaf, chain, protocol, ciphers)
    local ctx = context.new(protocol or "TLS", true)
    if ciphers then ctx:setCipherList(ciphers) end
    if leaf then
        ctx:setCertificate(leaf.certificate)
        ctx:setPrivateKey(leaf.key)
    end
    if chain then
        local list = x509_chain.new()
        list:add(chain.certificate)
        ctx:setCertificateChain(list)
    end
    return ctx
end

local good = server_context(issue("127.0.0.1", root, HERE))

local function shown(changes, by)
    local leaf = issue("127.0.0.1", by or root, with(changes))
    return server_context(leaf, nil, nil, "DEFAULT:@SECLEVEL=0")
end

local function nameless(given) -- no address of this host among the names
    return server_context(issue(given.common_name or "127.0.0.1", root, given))
end

-- {======================================================
-- The servers: `ctx` is what they show, `cut` and `plain` what they do instead
-- =======================================================}

local loop = cqueues.new()
local ANSWER_BODY = '{"code":0,"msg":"success","data":{"calendars":'
    .. '[{"calendar":{"calendar_id":"c"},"user_id":"u"}]}}'
local ANSWER = ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    .. "Content-Length: %d\r\n\r\n%s"):format(#ANSWER_BODY, ANSWER_BODY)

local function on_error(_, _, code) return code end

local function read_request(con, server)
    local head = ""
    while not head:find("\r\n\r\n", 1, true) do
        local some = con:read(-4096)
        if not some then return end
        head = head .. some
        server.bytes = server.bytes + #some
    end
    con:write(ANSWER)
    con:flush()
end

local function serve(con, server)
    con:onerror(on_error)
    con:setmode("b", "b")
    server.connections = server.connections + 1
    if server.cut then
        con:read(1)
    elseif server.plain then -- what comes is a ClientHello, if it is not a request
        local first = con:read(1)
        if first == "G" then
            con:unget(first)
            read_request(con, server)
        else
            con:write(ANSWER)
            con:flush()
        end
    elseif con:starttls(server.ctx, SECONDS) then
        read_request(con, server)
    end
    con:close()
end

local function listen(server)
    local listener = socket.listen { host = "127.0.0.1", port = 0 }
    assert(listener:listen())
    local _, _, port = listener:localname()
    server.bytes, server.connections, server.port = 0, 0, port
    loop:wrap(function()
        while not server.ended do
            local con = listener:accept(0.05)
            if con then loop:wrap(serve, con, server) end
        end
        listener:close()
    end)
    return server
end

-- {======================================================
-- Clients
-- =======================================================}

local function drive(done)
    local limit = core.now() + SECONDS
    while not done() do
        assert(core.now() < limit, "it does not end")
        assert(loop:step(0.002))
    end
end

local ca_file = os.tmpname()
local file = assert(io.open(ca_file, "w"))
file:write(root.certificate:toPEM())
file:close()

local nginx = nginx_server.start {
    server = [[
location / { content_by_lua_block {
    local call = require "spec.torture.one_call"
    ngx.print(require "cjson".encode(call(ngx.unescape_uri(ngx.var.arg_url), "%(ca_file)")))
} }]],
    values = { lua_path = os.getenv "LUA_PATH", ca_file = ca_file },
}

local BLOCKING = "lua5.4 -e 'print(require(\"cjson\").encode(require(\"spec.torture.one_call\")("
    .. "arg[1], arg[2])))' /dev/null %s %s >%s 2>&1 &"

-- Each calls a server of this process, which must not stand still meanwhile.
local WAYS = {
    task = function(url)
        local tasks = cloudcal.loop()
        local task = tasks:spawn(one_call, url, ca_file)
        drive(function() return tasks:step(0) == 0 end)
        return task:result()
    end,
    blocking = function(url)
        local path = os.tmpname()
        assert(os.execute(BLOCKING:format(url, ca_file, path)))
        local line
        drive(function()
            line = io.lines(path)()
            return line
        end)
        os.remove(path)
        return cjson.decode(line)
    end,
    ["nginx worker"] = function(url)
        local engine = core.engine()
        local transfer = assert(engine:submit {
            url = nginx.base_url .. "/?url=" .. core.escape(url), method = "GET",
            plain_http = true, user_agent = "torture", timeout = SECONDS,
            connect_timeout = SECONDS, max_response_bytes = 65536, max_connections = 8,
        })
        drive(function()
            engine:step(0)
            return transfer:done()
        end)
        return cjson.decode((select(3, transfer:take())))
    end,
}

-- does the server answer somebody who trusts anybody?
local function answers_anybody(server)
    local answer, ended
    loop:wrap(function()
        local con = socket.connect("127.0.0.1", server.port)
        con:onerror(on_error)
        con:setmode("b", "b")
        local ctx = context.new(server.protocol or "TLS")
        ctx:setVerify(context.VERIFY_NONE)
        ctx:setCipherList(WEAK)
        if server.plain or con:starttls(ctx, SECONDS) then
            con:write "GET / HTTP/1.1\r\n\r\n"
            con:flush()
            answer = con:read "*a"
        end
        con:close()
        ended = true
    end)
    drive(function() return ended end)
    return answer == ANSWER
end

-- {======================================================
-- The cases
-- =======================================================}

local TLS_12 = context.OP_NO_TLSv1_3

local function with_cipher(ciphers, leaf)
    local ctx = server_context(leaf, nil, nil, ciphers)
    ctx:setOptions(TLS_12)
    return ctx
end

local leaf = issue("127.0.0.1", root, HERE)

local CASES = {
    { "expired", { ctx = shown { from = -3 * DAY, to = -DAY } } },
    { "not yet valid", { ctx = shown { from = DAY, to = 3 * DAY } } },
    { "another host's name", { ctx = nameless { dns = "wrong.invalid" } } },
    { "another address", { ctx = nameless { ip = "127.0.0.2" } } },
    -- without any, libcurl takes the subject's common name
    { "no names at all", { ctx = nameless { common_name = "elsewhere" } } },
    { "the address as a DNS name", { ctx = nameless { dns = "127.0.0.1" } } },
    { "a wildcard for two labels", { host = "a.b.localhost",
        ctx = nameless { dns = "*.localhost" }, good = nameless { dns = "*.b.localhost" } } },
    { "a wildcard in the middle", { host = "a.b.localhost",
        ctx = nameless { dns = "a.*.localhost" }, good = nameless { dns = "a.b.localhost" } } },
    { "a wildcard for all", { host = "localhost",
        ctx = nameless { dns = "*" }, good = nameless { dns = "localhost" } } },
    { "self-signed", { ctx = server_context(issue("127.0.0.1", nil, HERE)) } },
    { "unknown CA", { ctx = shown({}, stranger) } },
    { "missing intermediate", { ctx = shown({}, middle) } },
    { "signed by one that is no CA",
        { ctx = server_context(issue("127.0.0.1", no_ca, HERE), no_ca) } },
    { "for clients only", { ctx = shown { extensions = { extendedKeyUsage = "clientAuth" } } } },
    { "RSA key of 1024 bits", { ctx = shown { key = { type = "RSA", bits = 1024 } } } },
    { "SHA-1 signature", { ctx = shown { digest = "sha1" } } },
    { "TLS 1.0", { ctx = server_context(leaf, nil, "TLSv1", WEAK), protocol = "TLSv1" } },
    { "TLS 1.1", { ctx = server_context(leaf, nil, "TLSv1_1", WEAK), protocol = "TLSv1_1" } },
    { "no encryption", { ctx = with_cipher("eNULL:@SECLEVEL=0", leaf), protocol = "TLSv1_2" } },
    { "no certificate", { ctx = with_cipher "aNULL:!eNULL:@SECLEVEL=0", protocol = "TLSv1_2" } },
    { "plain HTTP", { plain = true } },
    { "cut in the handshake", { cut = true }, "network" },
}

local tried, wrong = 0, 0

local function check(name, condition, text)
    if condition then return end
    wrong = wrong + 1
    print(("%s: %s"):format(name, tostring(text)))
end

local function try(name, way, server, kind)
    local call, ctx, plain, cut = WAYS[way], server.ctx, server.plain, server.cut
    local url = ("https://%s:%d"):format(server.host or "127.0.0.1", server.port)
    server.bytes, server.connections = 0, 0
    local seen = call(url)
    check(name, not seen.ok, "it was trusted")
    check(name, seen.kind == (kind or "tls"), seen.message)
    check(name, seen.acted == "no", "it may have acted")
    check(name, server.connections > 0, "no connection arrived")
    check(name, server.bytes == 0, server.bytes .. " bytes of the request arrived")
    server.cut, server.plain, server.ctx = nil, nil, server.good or good
    seen = call(url)
    check(name, seen.ok, "the same server with a good certificate: " .. tostring(seen.message))
    server.cut, server.plain, server.ctx = cut, plain, ctx
    tried = tried + 1
end

for _, case in ipairs(CASES) do
    local name, server = case[1], listen(case[2])
    check(name, server.cut or answers_anybody(server), "the server is not up")
    for way in pairs(WAYS) do
        local in_this_way = name .. ", " .. way
        local ran, problem = pcall(try, in_this_way, way, server, case[3])
        check(in_this_way, ran, problem)
    end
    server.ended = true
end

nginx:stop()
os.remove(ca_file)
print(("%d servers in 3 ways of waiting, %d calls|%d"):format(#CASES, tried, wrong))
os.exit(wrong == 0 and 0 or 1, true)
