-- Verifies tokens of HS256, RS256 and EdDSA keys with libcrypto, which nginx has loaded already, and remembers those that
-- were good until they end.
local ffi = require("ffi")
local cjson = require("cjson.safe")
local base64 = require("ngx.base64")
local lrucache = require("resty.lrucache")
local settings = require("settings")

ffi.cdef [[
void *BIO_new_mem_buf(const void *bytes, int length);
int BIO_free(void *bio);
void *PEM_read_bio_PUBKEY(void *bio, void **key, void *callback, void *data);
void *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(void *context);
const void *EVP_sha256(void);
int EVP_DigestVerifyInit(void *context, void **pkey_context, const void *digest, void *engine, void *key);
int EVP_DigestVerify(void *context, const char *signature, size_t signature_length, const char *text, size_t length);
unsigned char *HMAC(const void *digest, const void *key, int key_length, const char *text, size_t length,
                    unsigned char *out, unsigned int *out_length);
int CRYPTO_memcmp(const void *a, const void *b, size_t length);
]]
local crypto = ffi.C

local REMEMBERED = 1000
local remembered = assert(lrucache.new(REMEMBERED))
local keys = {}

for _, key in ipairs(settings.keys) do
    local entry = { algorithm = key.algorithm, secret = key.key }
    if key.algorithm ~= "HS256" then
        local bio = crypto.BIO_new_mem_buf(key.key, #key.key)
        entry.public = crypto.PEM_read_bio_PUBKEY(bio, nil, nil, nil)
        crypto.BIO_free(bio)
        assert(entry.public ~= nil, "a public key cannot be read")
    end
    keys[key.kid] = entry
end

local mac = ffi.new("unsigned char[32]")

local function is_mac_right(key, signed, signature)
    crypto.HMAC(crypto.EVP_sha256(), key.secret, #key.secret, signed, #signed, mac, nil)
    return #signature == 32 and crypto.CRYPTO_memcmp(mac, signature, 32) == 0
end

local function is_signature_right(key, signed, signature)
    local context = crypto.EVP_MD_CTX_new()
    local digest = key.algorithm == "RS256" and crypto.EVP_sha256() or nil
    local right = crypto.EVP_DigestVerifyInit(context, nil, digest, nil, key.public) == 1
        and crypto.EVP_DigestVerify(context, signature, #signature, signed, #signed) == 1
    crypto.EVP_MD_CTX_free(context)
    return right
end

local function decoded(part)
    local text = base64.decode_base64url(part)
    return text and cjson.decode(text)
end

local function verified(token)
    local head, payload, tail = token:match("^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$")
    local header = head and decoded(head)
    local key = header and keys[header.kid]
    local signature = tail and base64.decode_base64url(tail)
    if not key or header.alg ~= key.algorithm or not signature then
        return nil
    end
    local check = key.algorithm == "HS256" and is_mac_right or is_signature_right
    local claims = check(key, head .. "." .. payload, signature) and decoded(payload)
    if not claims or claims.iss ~= settings.issuer or claims.aud ~= settings.audience or type(claims.exp) ~= "number" then
        return nil
    end
    local scopes = {}
    for scope in claims.scope:gmatch("%S+") do
        scopes[scope] = true
    end
    return { ends = claims.exp, tenant = claims.tenant, scopes = scopes }
end

local tokens = {}

-- The tenant and the scopes of a token that is good now.
function tokens.verify(token)
    local claims = remembered:get(token)
    if not claims then
        claims = verified(token)
        if claims then
            remembered:set(token, claims)
        end
    end
    if claims and claims.ends > ngx.time() then
        return claims
    end
end

return tokens
