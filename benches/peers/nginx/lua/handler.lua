-- One request: token and scope, then the cache, then the gateway.
local answers = require("answers")
local gateway = require("gateway")
local shapes = require("shapes")
local tokens = require("tokens")

local FLOW = "open.shopweb.passengerFlow.getTotalData"
local DEMOGRAPHICS = "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution"
local INSTANT = "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%+08:00$"

local handler = {}

local function problem(status, title)
    ngx.status = status
    ngx.header.content_type = "application/problem+json"
    ngx.print('{"title":"', title, '"}')
end

local function flow(store)
    return store, function()
        return shapes.flow(store, gateway.call(FLOW, { id = store, needUnit = "0" }))
    end
end

local function demographics(store)
    local query = ngx.req.get_uri_args(8)
    local from, to = query.from, query.to
    if type(from) ~= "string" or type(to) ~= "string" or not from:find(INSTANT) or not to:find(INSTANT) or from > to then
        return nil
    end
    local function second(instant)
        return instant:sub(1, 10) .. " " .. instant:sub(12, 19)
    end
    return store .. " " .. from .. " " .. to, function()
        local period = { id = store, stime = second(from), etime = second(to) }
        return shapes.demographics(store, from, to, gateway.call(DEMOGRAPHICS, period))
    end
end

local resources = {
    flow = { scope = "flow:read", ask = flow },
    demographics = { scope = "demographics:read", ask = demographics },
}

function handler.answer()
    local store, name = ngx.var.uri:match("^/stores/(S_%d+)/(%l+)$")
    local resource = resources[name]
    if not resource then
        return problem(404, "there is no such resource")
    end
    local header = ngx.var.http_authorization
    local claims = header and header:sub(1, 7) == "Bearer " and tokens.verify(header:sub(8))
    if not claims then
        return problem(401, "the token is not valid")
    end
    if not claims.scopes[resource.scope] then
        return problem(403, "the token needs " .. resource.scope)
    end
    local question, load = resource.ask(store)
    if not question then
        return problem(400, "this is no period")
    end
    local answer = answers.get(claims.tenant .. " " .. name .. " " .. question, load)
    if not answer then
        return problem(502, "the gateway did not answer")
    end
    local headers = ngx.header
    headers.etag = answer.etag
    headers.cache_control = "private, max-age=3600"
    if ngx.var.http_if_none_match == answer.etag then
        ngx.status = 304
        return
    end
    headers.content_type = "application/json"
    headers.content_length = #answer.body
    ngx.print(answer.body)
end

return handler
