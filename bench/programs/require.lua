--- How long `require "cloudcal"` takes where libcurl and OpenSSL are loaded already.
-- Prints "require MILLISECONDS", of CPU.

for _, name in ipairs { "libcurl.so.4", "libssl.so.3", "libcrypto.so.3" } do
    assert(package.loadlib(name, "*"))
end
local began = os.clock()
require "cloudcal"
print(("require %.3f"):format((os.clock() - began) * 1000))
