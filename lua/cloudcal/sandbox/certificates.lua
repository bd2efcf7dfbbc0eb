--- A certificate authority for one run of the sandbox, and the server's certificate.
local altname = require "openssl.x509.altname"
local bignum = require "openssl.bignum"
local context = require "openssl.ssl.context"
local extension = require "openssl.x509.extension"
local pkey = require "openssl.pkey"
local rand = require "openssl.rand"
local x509 = require "openssl.x509"
local x509_name = require "openssl.x509.name"

local certificates = {}

local DAY = 86400

local function new_key() return pkey.new { type = "EC", curve = "prime256v1" } end

local function new_name(common_name)
    return x509_name.new():add("O", "cloudcal sandbox"):add("CN", common_name)
end

local function serial() return bignum.fromBinary("\1" .. rand.bytes(15)) end

local function new_certificate(key, subject, from, to)
    local certificate = x509.new()
    certificate:setVersion(3)
    certificate:setSerial(serial())
    certificate:setSubject(subject)
    certificate:setLifetime(from, to)
    certificate:setPublicKey(key)
    return certificate
end

local function new_authority(now)
    local key, name = new_key(), new_name("sandbox CA")
    local certificate = new_certificate(key, name, now - DAY, now + 365 * DAY)
    certificate:setIssuer(name)
    certificate:setBasicConstraints { CA = true, pathLen = 0 }
    certificate:setBasicConstraintsCritical(true)
    certificate:addExtension(extension.new("keyUsage", "critical,keyCertSign,cRLSign"))
    certificate:addExtension(extension.new("subjectKeyIdentifier", "hash",
        { subject = certificate }))
    certificate:sign(key)
    return { key = key, certificate = certificate, name = name }
end

local function right_names()
    return altname.new():add("DNS", "localhost"):add("IP", "127.0.0.1")
end

local function wrong_names() return altname.new():add("DNS", "wrong.invalid") end

local function new_leaf(authority, kind, now)
    local key, name = new_key(), new_name("localhost")
    local late = kind == "expired"
    local leaf = new_certificate(key, name, now - 2 * DAY, late and now - DAY or now + 30 * DAY)
    local signer = kind == "self_signed" and { key = key, name = name } or authority
    leaf:setIssuer(signer.name)
    leaf:setSubjectAlt(kind == "wrong_host" and wrong_names() or right_names())
    leaf:setBasicConstraints { CA = false }
    leaf:addExtension(extension.new("extendedKeyUsage", "serverAuth"))
    if signer == authority then
        leaf:addExtension(extension.new("authorityKeyIdentifier", "keyid",
            { issuer = authority.certificate, subject = leaf }))
    end
    leaf:sign(signer.key)
    return key, leaf
end

--- Which certificates the server can show.
certificates.kinds = { "good", "expired", "wrong_host", "self_signed" }

--- Make them.
-- @return the authority's certificate as PEM, a TLS context with a server certificate of this
-- kind, and that certificate and its key as PEM, for servers of others
function certificates.new(kind, now)
    local authority = new_authority(now)
    local key, leaf = new_leaf(authority, kind, now)
    local ctx = context.new("TLS", true)
    ctx:setOptions(context.OP_NO_SSLv3 + context.OP_NO_TLSv1 + context.OP_NO_TLSv1_1)
    ctx:setPrivateKey(key)
    ctx:setCertificate(leaf)
    return authority.certificate:toPEM(), ctx, leaf:toPEM(), key:toPEM("private")
end

return certificates
