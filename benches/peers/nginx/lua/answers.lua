-- Finished answers: in each worker those used last, behind them the dictionary that all workers share. One fetch for all
-- who wait for the same answer: the first of a worker takes a lock over all workers, the others of it wait for the first.
local lrucache = require("resty.lrucache")
local semaphore = require("ngx.semaphore")

local FRESH = 3600
local LONGEST_FETCH = 10
local near = assert(lrucache.new(20000))
local shared = ngx.shared.answers
local fetches = ngx.shared.fetches
local waiting = {}

local answers = {}

local function look(key)
    local answer = near:get(key)
    if answer then
        return answer
    end
    local stored = shared:get(key)
    if not stored then
        return nil
    end
    answer = { etag = '"' .. ngx.md5(stored) .. '"', body = stored }
    near:set(key, answer, FRESH)
    return answer
end

local function fetched(key, load)
    local pause = 0.001
    local give_up = ngx.now() + LONGEST_FETCH
    while not fetches:add(key, true, LONGEST_FETCH) do
        ngx.sleep(pause)
        ngx.update_time()
        pause = math.min(pause * 2, 0.05)
        local answer = look(key)
        if answer or ngx.now() > give_up then
            return answer
        end
    end
    local answer = look(key)
    if not answer then
        local ok, body = pcall(load)
        if ok then
            shared:set(key, body, FRESH)
            answer = look(key)
        else
            ngx.log(ngx.ERR, body)
        end
    end
    fetches:delete(key)
    return answer
end

-- The answer of a key, which `load` brings when there is none; nil when it fails.
function answers.get(key, load)
    local answer = look(key)
    if answer then
        return answer
    end
    local others = waiting[key]
    if others then
        others.count = others.count + 1
        others.door:wait(LONGEST_FETCH)
        return look(key)
    end
    others = { door = assert(semaphore.new(0)), count = 0 }
    waiting[key] = others
    answer = fetched(key, load)
    waiting[key] = nil
    if others.count > 0 then
        others.door:post(others.count)
    end
    return answer
end

return answers
