local clock = require "cloudcal.clock"

describe("clock.parse_date", function()
    local known = {
        ["Thu, 01 Jan 1970 00:00:00 GMT"] = 0,
        ["Thu, 01 Jan 1970 00:00:01 GMT"] = 1,
        ["Sun, 06 Nov 1994 08:49:37 GMT"] = 784111777,
        ["Tue, 29 Feb 2000 23:59:59 GMT"] = 951868799,
        ["Wed, 01 Mar 2000 00:00:00 GMT"] = 951868800,
        ["Thu, 13 Jun 2019 01:42:43 GMT"] = 1560390163,
        ["Thu, 29 Feb 2024 12:00:00 GMT"] = 1709208000,
        ["Fri, 01 Mar 2024 00:00:00 GMT"] = 1709251200,
        ["Tue, 31 Dec 2024 23:59:59 GMT"] = 1735689599,
        ["Tue, 19 Jan 2038 03:14:07 GMT"] = 2147483647,
        ["Tue, 19 Jan 2038 03:14:08 GMT"] = 2147483648,
        ["Sun, 28 Feb 2100 00:00:00 GMT"] = 4107456000,
        ["Mon, 01 Mar 2100 00:00:00 GMT"] = 4107542400,
        ["Fri, 31 Dec 9999 23:59:59 GMT"] = 253402300799,
        ["Wed, 31 Dec 1969 23:59:59 GMT"] = -1,
    }
    for text, seconds in pairs(known) do
        it("reads " .. text, function() assert.equal(seconds, clock.parse_date(text)) end)
    end

    it("agrees with os.date on a day of each month from 1970 to 2199", function()
        local count = 0
        for seconds = 0, 7258118399, 2629743 do
            assert.equal(seconds, clock.parse_date(os.date("!%a, %d %b %Y %H:%M:%S GMT", seconds)))
            count = count + 1
        end
        assert.equal(2761, count)
    end)

    it("takes a leap second, and no matter which day of the week is named", function()
        assert.equal(1483228800, clock.parse_date "Sat, 31 Dec 2016 23:59:60 GMT")
        assert.equal(0, clock.parse_date "Mon, 01 Jan 1970 00:00:00 GMT")
    end)

    for _, text in ipairs {
        "", " ", "now", "0", "1560390163",
        "Thu, 01 Jan 1970 00:00:00", "Thu, 01 Jan 1970 00:00:00 UTC",
        "Thu, 01 Jan 1970 00:00:00 +0000", "Thu, 01 Jan 1970 00:00:00 GMT ",
        " Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 1 Jan 1970 00:00:00 GMT",
        "Thu, 01 jan 1970 00:00:00 GMT", "Thu, 01 Foo 1970 00:00:00 GMT",
        "Thu, 01 Jan 70 00:00:00 GMT", "Thursday, 01-Jan-70 00:00:00 GMT",
        "Thu Jan  1 00:00:00 1970", "1970-01-01T00:00:00Z",
        "Thu, 00 Jan 1970 00:00:00 GMT", "Thu, 32 Jan 1970 00:00:00 GMT",
        "Thu, 31 Apr 1970 00:00:00 GMT", "Sun, 30 Feb 2020 00:00:00 GMT",
        "Fri, 29 Feb 2019 00:00:00 GMT", "Mon, 29 Feb 2100 00:00:00 GMT",
        "Thu, 01 Jan 1970 24:00:00 GMT", "Thu, 01 Jan 1970 00:60:00 GMT",
        "Thu, 01 Jan 1970 00:00:61 GMT", "Thu, 99 Jan 1970 99:99:99 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT\0", "Thu, -1 Jan 1970 00:00:00 GMT",
    } do
        it("does not read " .. text:gsub("%c", "?"), function()
            assert.is_nil(clock.parse_date(text))
        end)
    end
end)

describe("clock", function()
    it("has a time of day that is os.time's, and one that only grows", function()
        local before = os.time()
        local time = clock.time()
        assert.is_true(time >= before - 1 and time <= os.time() + 2)
        local last = clock.now()
        for _ = 1, 1000 do
            local now = clock.now()
            assert.is_true(now >= last)
            last = now
        end
    end)
end)
