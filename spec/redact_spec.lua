local redact = require "cloudcal.redact"

describe("redact.text", function()
    it("masks every occurrence of every secret", function()
        assert.equal("a *** b *** c ***", redact.text("a s3cr3t b s3cr3t c t0k3n",
            { "s3cr3t", "t0k3n" }))
        assert.equal("***", redact.text("s3cr3t", { "s3cr3t" }))
        assert.equal("******", redact.text("s3cr3ts3cr3t", { "s3cr3t" }))
        assert.equal("", redact.text("", { "s3cr3t" }))
        assert.equal("nothing", redact.text("nothing", { "s3cr3t" }))
        assert.equal("nothing", redact.text "nothing")
    end)

    it("takes secrets as they are, not as patterns", function()
        assert.equal("x *** y", redact.text("x %w+.[a]$ y", { "%w+.[a]$" }))
        assert.equal("aaaaa", redact.text("aaaaa", { "...." }))
    end)

    it("leaves no rest of a secret that holds another", function()
        assert.equal("x *** y", redact.text("x user:pass y", { "user", "user:pass" }))
        assert.equal("x *** y", redact.text("x user:pass y", { "user:pass", "user" }))
        local secrets = { "abcd", "abcdefgh" }
        redact.text("abcdefgh", secrets)
        assert.same({ "abcd", "abcdefgh" }, secrets)
    end)

    it("does not mask what is too short to be a secret", function()
        assert.equal("a b abc", redact.text("a b abc", { "a", "", "abc" }))
    end)
end)

describe("redact.value", function()
    it("masks by name and by value, keys too, and copies", function()
        local given = {
            password = "p", Sign = 5, list = { "has t0k3n", { app_secret = "x" } },
            ["key t0k3n"] = true, code = 0, secret = { deep = "t0k3n" }, fine = false,
        }
        assert.same({
            password = "***", Sign = "***", list = { "has ***", { app_secret = "***" } },
            ["key ***"] = true, code = 0, secret = { deep = "***" }, fine = false,
        }, redact.value(given, { "t0k3n" }))
        assert.equal("p", given.password)
    end)

    it("masks all that stands in a secret field", function()
        assert.same({ secret = { "***", { a = "***", b = true } } },
            redact.value({ secret = { "unknown", { a = 5, b = true } } }, {}))
    end)

    it("returns the rest as it is", function()
        assert.equal(1, redact.value(1, { "t0k3n" }))
        assert.is_nil(redact.value(nil, { "t0k3n" }))
        assert.is_false(redact.value(false))
    end)
end)

describe("redact.json_text", function()
    local function masked(wanted, text)
        assert.equal(wanted, redact.json_text(text, { "t0k3n" }))
    end

    it("masks secret members", function()
        masked('{"password":"***","a":1}', '{"password":"A67h23sd8","a":1}')
        masked('{"password" : "***" }', '{"password" : "a\\"b\\\\" }')
        masked('{"Sign":"***","app_secret":"***"}', '{"Sign":"1","app_secret":"2"}')
        masked('[{"password":"***"},{"password":"***"}]', '[{"password":"1"},{"password":"2"}]')
        masked('{"msg":"with ***"}', '{"msg":"with t0k3n"}')
        masked('{"passwords":"x","my_password":"y"}', '{"passwords":"x","my_password":"y"}')
    end)

    it("masks in text that is cut or broken", function()
        masked('{"password":"***', '{"password":"A67h23')
        masked('{"password":"***', '{"password":"')
        masked('{"password":"***', '{"password":"A67\\')
        masked('{"password":"***"', '{"password":"A67"')
        masked('<html>"access_token": "***" nonsense', '<html>"access_token": "abc" nonsense')
    end)

    it("masks access tokens of any name", function()
        masked('{"member_access_token":"***"}', '{"member_access_token":"abcdefgh"}')
        assert.same({ x_access_token = "***" }, redact.value({ x_access_token = "abcdefgh" }, {}))
    end)

    it("masks numbers", function()
        masked('{"password":"***","a":1}', '{"password":12345,"a":1}')
        masked('{"password": "***"}', '{"password": -1.5e3}')
        masked('{"password":null,"secret":{"a":1}}', '{"password":null,"secret":{"a":1}}')
    end)

    it("ends on any text", function()
        for _, text in ipairs { "", '"', '"password', '"password":', '"password":"', "\\", "\0" } do
            assert.equal("string", type(redact.json_text(text, {})))
        end
    end)
end)

describe("redact.text", function()
    it("finds a secret however often JSON escaped it", function()
        local secret = 'ab/cd+"ef\\gh='
        for _, form in ipairs { secret, [[ab\/cd+\"ef\\gh=]], [[ab\u005c/cd+\u0022ef\\\\gh=]] } do
            assert.equal("<***>", redact.text("<" .. form .. ">", { secret }))
        end
    end)

    it("finds one whose backslash got lost: who echoes it without escaping it", function()
        assert.equal("<***>", redact.text("<ab/cdef>", { [[ab\/cd\ef]] }))
    end)
end)

describe("redact.excerpt", function()
    local secret = ("s"):rep(200)

    it("never ends in half a secret", function()
        for at = 3800, 4200 do
            local echo = ("x"):rep(at) .. secret .. ("y"):rep(9000)
            local text = redact.excerpt(echo, { secret }, 4096)
            assert.is_nil(text:find("s", 1, true))
            assert.is_true(#text <= 4096)
        end
    end)

    it("holds where secrets shrink the text below the length wanted", function()
        local echo = ("x" .. secret):rep(2000)
        assert.is_nil(redact.excerpt(echo, { secret }, 4096):find("s", 1, true))
    end)

    it("keeps a short text whole, and takes its time with a hostile one", function()
        assert.equal("<html>", redact.excerpt("<html>", {}, 4096))
        local started = os.clock()
        redact.excerpt(('"password":"'):rep(700000), { secret }, 4096)
        assert.is_true(os.clock() - started < 2)
    end)
end)

describe("redact.is_secret", function()
    it("knows the names", function()
        for _, name in ipairs { "password", "Sign", "sign", "app_secret", "access_token" } do
            assert.is_true(redact.is_secret(name))
        end
        for _, name in ipairs { "user_name", "code", "msg", 1, true } do
            assert.is_false(redact.is_secret(name))
        end
    end)
end)
