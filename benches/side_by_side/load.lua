-- What wrk sends, and the numbers that it prints when it is done. Settings come behind `--` as name=value:
-- `header` (several), `body` for a form POST, or `days`, `to`, `first`, `count`, `order` and `threads` for one question a key.
local threads = 0

function setup(thread)
    thread:set("place", threads)
    threads = threads + 1
end

local SECONDS_PER_DAY = 85000
local two = {}
for number = 0, 59 do
    two[number] = string.format("%02d", number)
end

local head, tail, days
local first, count, step, at

function init(arguments)
    local settings = {}
    for _, argument in ipairs(arguments) do
        local name, value = argument:match("^(%l+)=(.*)$")
        if name == "header" then
            local header, text = value:match("^([^:]+): (.*)$")
            wrk.headers[header] = text
        elseif name then
            settings[name] = value
        end
    end
    if settings.body then
        wrk.method = "POST"
        wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
        wrk.body = settings.body
    end
    if settings.days then
        prepare(settings)
    end
end

-- Each key is a second at which a period starts. The parts of a request that are always the same are put together once.
function prepare(settings)
    days = {}
    for day in settings.days:gmatch("[^,]+") do
        days[#days + 1] = day
    end
    local line, rest = wrk.format("GET", wrk.path .. "?from="):match("^(.-)( HTTP/1.1\r\n.*)$")
    head, tail = line, "T" .. settings.to .. "%2B08:00" .. rest
    first, count, step = tonumber(settings.first), tonumber(settings.count), tonumber(settings.threads)
    -- wrk looks at one request of the first thread before it begins, and does not send it.
    at = place == 0 and -step or place
    math.randomseed(os.time() * 64 + place)
    math.random()
    request = settings.order == "random" and random_key or next_key
end

local function question(key)
    local day = days[math.floor(key / SECONDS_PER_DAY) % #days + 1]
    local second = key % SECONDS_PER_DAY
    local hour, minute = math.floor(second / 3600), math.floor(second / 60) % 60
    return head .. day .. "T" .. two[hour] .. ":" .. two[minute] .. ":" .. two[second % 60] .. "%2B08:00&to=" .. day .. tail
end

function random_key()
    return question(first + math.random(0, count - 1))
end

function next_key()
    local key = first + at % count
    at = at + step
    return question(key)
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        'numbers: {"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"largest":%d,"refused":%d,"broken":%d}',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), latency.max,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout
    ))
end
