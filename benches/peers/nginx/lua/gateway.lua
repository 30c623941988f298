-- Signs calls of the gateway with MD5, posts them through the kept connections of the upstream, and opens the envelope.
local cjson = require("cjson.safe")
local settings = require("settings")

local CHINA = 8 * 3600

local gateway = {}

local function nonce()
    return string.format("%08x%08x%08x", math.random(0, 0xffffffff), math.random(0, 0xffffffff), ngx.worker.pid())
end

local function signed(method, business)
    local account = settings.gateway
    local all = {
        _aid = "S107", _akey = account.key, _mt = method, _sm = "md5", _requestMode = "POST", _version = "v1",
        _timestamp = os.date("!%Y%m%d%H%M%S", ngx.time() + CHINA), _nonce = nonce(),
    }
    for name, value in pairs(business) do
        all[name] = value
    end
    local names = {}
    for name in pairs(all) do
        names[#names + 1] = name
    end
    table.sort(names)
    local text = { account.secret }
    for _, name in ipairs(names) do
        text[#text + 1] = name
        text[#text + 1] = all[name]
    end
    text[#text + 1] = account.secret
    all._sig = ngx.md5(table.concat(text)):upper()
    return ngx.encode_args(all)
end

-- The data of a call. An error when there is none.
function gateway.call(method, business)
    local reply = ngx.location.capture("/m.api", { method = ngx.HTTP_POST, body = signed(method, business) })
    local envelope = reply.status == 200 and not reply.truncated and cjson.decode(reply.body)
    local code = envelope and envelope.stat and tonumber(envelope.stat.code)
    if code ~= 0 or type(envelope.data) ~= "table" then
        error("the gateway answered " .. reply.status .. ", " .. tostring(code))
    end
    return envelope.data
end

return gateway
