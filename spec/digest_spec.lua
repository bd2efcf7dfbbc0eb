local core = require "cloudcal.core"
local files = require "spec.files"
local peer = require "spec.peer"

describe("md5", function()
    it("gives RFC 1321's own results", function()
        local alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        local vectors = {
            [""] = "d41d8cd98f00b204e9800998ecf8427e",
            a = "0cc175b9c0f1b6a831c399e269772661",
            abc = "900150983cd24fb0d6963f7d28e17f72",
            ["message digest"] = "f96b697d7cb7938d525a2f31aaf161d0",
            abcdefghijklmnopqrstuvwxyz = "c3fcd3d76192e4007dfb496cca67e13b",
            [alnum] = "d174ab98d277d9f5a5611c2c9f419d9f",
            [("1234567890"):rep(8)] = "57edf4a22be3c955ac49da2e2107b67a",
        }
        for text, sum in pairs(vectors) do assert.equal(sum, core.md5(text)) end
    end)

    it("reads past NUL and over block ends", function()
        assert.equal("93b885adfe0da089cdf634904fd59f71", core.md5 "\0")
        assert.not_equal(core.md5 "a\0b", core.md5 "a\0c")
        local seen = {}
        for length = 0, 200 do
            local sum = core.md5(("x"):rep(length))
            assert.is_truthy(sum:match("^%x+$") and #sum == 32 and not seen[sum])
            seen[sum] = true
        end
        assert.equal("7707d6ae4e027c70eea2a935c2296f21", core.md5(("a"):rep(1000000)))
    end)

    it("gives the signatures that the service published", function()
        local text = "key=UK155728046140bc&secret=f2af3c18606d4df59f865e8b80928510&timestamp="
        assert.equal("3b2c5181688371335ca691c8b797d09b", core.md5(text .. 1560390163))
        assert.equal("e2f64d44c169b55e1e6a7c5e6b7b6328", core.md5(text .. 1560389891))
    end)

    it("takes a string only", function()
        assert.error(function() core.md5() end)
        assert.error(function() core.md5 {} end)
    end)
end)

describe("sha1", function()
    it("gives FIPS 180-4's own results", function()
        assert.equal("da39a3ee5e6b4b0d3255bfef95601890afd80709", core.sha1 "")
        assert.equal("a9993e364706816aba3e25717850c26c9cd0d89d", core.sha1 "abc")
        assert.equal("84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            core.sha1 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        assert.equal("34aa973cd4c4daa4f61eeb2bdbad27316534016f", core.sha1(("a"):rep(1000000)))
    end)
end)

describe("sha256", function()
    it("gives FIPS 180-4's own results", function()
        assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            core.sha256 "")
        assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            core.sha256 "abc")
        assert.equal("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            core.sha256 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        assert.equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
            core.sha256(("a"):rep(1000000)))
    end)

    it("reads past NUL", function()
        assert.equal("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            core.sha256 "\0")
        assert.not_equal(core.sha256 "a\0b", core.sha256 "a\0c")
    end)
end)

describe("raw digests", function()
    it("are the bytes that the digits stand for", function()
        for _, name in ipairs { "md5", "sha1", "sha256" } do
            local digits = core[name]("abc", "raw"):gsub(".", function(c)
                return ("%02x"):format(c:byte())
            end)
            assert.equal(core[name] "abc", digits)
            assert.equal(core[name] "abc", core[name]("abc", "hex"))
        end
        assert.error(function() core.sha256("abc", "base64") end)
    end)
end)

describe("base64url", function()
    it("takes a mebibyte, and raises for more", function()
        assert.equal(1398102, #core.base64url(("x"):rep(2 ^ 20)))
        assert.error_matches(function() core.base64url(("x"):rep(2 ^ 20 + 1)) end, "too long")
    end)

    it("gives RFC 4648's own results, without their padding", function()
        local vectors = { [""] = "", f = "Zg", fo = "Zm8", foo = "Zm9v", foob = "Zm9vYg",
            fooba = "Zm9vYmE", foobar = "Zm9vYmFy" }
        for text, encoded in pairs(vectors) do assert.equal(encoded, core.base64url(text)) end
    end)

    it("has the alphabet of URLs", function()
        assert.equal("-_-_", core.base64url "\251\255\191")
        assert.equal("AAAA", core.base64url "\0\0\0")
        local all = {}
        for byte = 0, 255 do all[#all + 1] = string.char(byte) end
        assert.truthy(core.base64url(table.concat(all)):find "^[%w_-]+$")
    end)

    it("gives the code challenge of RFC 7636, appendix B", function()
        local octets = string.char(116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216,
            173, 187, 186, 22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121)
        local verifier = core.base64url(octets)
        assert.equal("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", verifier)
        assert.equal("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            core.base64url(core.sha256(verifier, "raw")))
    end)

    it("has a ceiling", function()
        local mebibyte = 1024 * 1024
        assert.equal(math.ceil(mebibyte * 4 / 3), #core.base64url(("x"):rep(mebibyte)))
        assert.error_matches(function() core.base64url(("x"):rep(mebibyte + 1)) end, "too long")
        assert.error(function() core.base64url() end)
    end)
end)

describe("what OpenSSL refuses", function()
    it("leaves no error behind that the host would take for its own", function()
        local path = files.temporary [[
openssl_conf = init
[init]
alg_section = evp
random = random
[evp]
default_properties = fips=yes
[random]
random = NONE
]]
        local output = peer.script([[
            local core, pkey = require "cloudcal.core", require "openssl.pkey"
            local function reason() return select(2, pcall(pkey.new, "no key")) end
            local own = reason()
            assert(not core.md5 "x")
            assert(reason() == own, "md5")
            assert(not pcall(core.random_bytes, 8))
            assert(reason() == own, "random_bytes")
            io.write "fine"]], {}, "OPENSSL_CONF=" .. path .. " %s")
        os.remove(path)
        assert.equal("fine", output)
    end)
end)
