--- What all programs of the benchmark call: one nginx worker on 127.0.0.1 that speaks TLS 1.3
-- with an ECDSA P-256 certificate, and answers at once with a text of fixed length.

local server = require "spec.hosts.nginx_server"

local upstream = {}

local ANSWER = [[{
  "code": 0,
  "msg": "success",
  "data": {
    "calendars": [
      {
        "calendar": {
          "calendar_id": "feishu.cn_xxxxxxxxxx@group.calendar.feishu.cn",
          "summary": "测试日历",
          "description": "使用开放接口创建日历",
          "permissions": "private",
          "color": -1,
          "type": "primary",
          "summary_alias": "日历备注名",
          "is_deleted": false,
          "is_third_party": false,
          "role": "owner"
        },
        "user_id": "ou_xxxxxxxxxx"
      }
    ]
  }
}]]

local REFUSAL = [[{"code":99991400,"msg":"request trigger frequency limit"}]]

local SERVER = [[
    server {
        listen 127.0.0.1:%s ssl %s backlog=4096;
        keepalive_requests 100000000;
        keepalive_timeout %s;
        location / { %s }
    }
]]

local AT_ONCE = "return %d '%s';"
local LATE = "content_by_lua_block { ngx.sleep(%g) ngx.print [=[%s]=] }"

local HTTP = [[
    ssl_protocols TLSv1.3;
    ssl_certificate %(certificates)/leaf.pem;
    ssl_certificate_key %(certificates)/leaf.key;
    default_type application/json;
    add_header X-Tt-Logid 2026112120372900000000000000000000 always;
]]

local function execute(command, ...)
    command = command:format(...)
    assert(os.execute("{ " .. command .. "; } >/dev/null 2>&1"), command)
end

-- A CA and its leaf in a new directory; also a file with the system's CAs and this one.
local function certificates()
    local dir = os.tmpname()
    os.remove(dir)
    execute([[mkdir %s && cd %s &&
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
            -subj "/CN=cloudcal bench CA" -keyout ca.key -out ca.pem &&
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -subj /CN=127.0.0.1 -keyout leaf.key -out leaf.csr &&
        printf "subjectAltName=IP:127.0.0.1,DNS:localhost\n" >leaf.ext &&
        openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
            -extfile leaf.ext -out leaf.pem &&
        cat /etc/ssl/certs/ca-certificates.crt ca.pem >bundle.pem]], dir, dir)
    return dir
end

--- Starts it.
-- @param cpu its CPU, or nil
-- @return base URLs: kept, closing (each answer ends its connection), http2, refusing (429), late
-- (after 0.5 s);
-- ca_file, with one certificate; bundle, the system's and that one, of bundle_size; stop()
function upstream.start(cpu)
    local dir = certificates()
    local values, http = { certificates = dir }, HTTP
    local self = { ca_file = dir .. "/ca.pem", bundle = dir .. "/bundle.pem" }
    self.bundle_size = 0
    for line in io.lines(self.bundle) do
        if line:find("BEGIN CERTIFICATE", 1, true) then
            self.bundle_size = self.bundle_size + 1
        end
    end
    local function add(name, protocol, keepalive, location)
        values[name] = server.free_port()
        self[name] = "https://127.0.0.1:" .. values[name]
        http = http .. SERVER:format("%(" .. name .. ")", protocol, keepalive, location)
    end
    add("kept", "", "600s", AT_ONCE:format(200, ANSWER))
    add("closing", "", "0", AT_ONCE:format(200, ANSWER))
    add("http2", "http2", "600s", AT_ONCE:format(200, ANSWER))
    add("refusing", "", "600s", AT_ONCE:format(429, REFUSAL))
    add("late", "", "600s", LATE:format(0.5, ANSWER))
    local host = server.start {
        values = values, http = http, under = cpu and "taskset -c " .. cpu,
    }
    function self.stop()
        host:stop()
        execute("rm -rf %s", dir)
    end
    return self
end

return upstream
