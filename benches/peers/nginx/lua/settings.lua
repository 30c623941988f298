-- What the harness says: keys of tokens, and the gateway's account.
local cjson = require("cjson.safe")

local settings = {}

function settings.read(path)
    local file = assert(io.open(path))
    for name, value in pairs(assert(cjson.decode(file:read("*a")))) do
        settings[name] = value
    end
    file:close()
end

return settings
