-- From what the gateway sends to what callers get, as the API documents it.
local cjson = require("cjson").new()
-- OpenResty's cjson can write an empty list as a list; the original one, which Debian has, cannot.
if cjson.encode_empty_table_as_object then
    cjson.encode_empty_table_as_object(false)
end

local null = cjson.null
local shapes = {}

-- 12.5, "12.5", "12.5%", "", null and "--" all occur.
local function number(value)
    if type(value) == "string" then
        value = value:gsub("%%$", "")
    end
    return tonumber(value) or null
end

local function text(value)
    if value == nil or value == null or value == "" then
        return null
    end
    return tostring(value)
end

local function list(value)
    if type(value) ~= "table" then
        return {}
    end
    return (value[1] ~= nil or next(value) == nil) and value or { value }
end

local function weather(from)
    if type(from) ~= "table" then
        return null
    end
    local created = from.createDate
    return {
        id = number(from.id),
        city_id = text(from.cityId),
        date = text(from.weatherDate),
        category = text(from.classify),
        description = text(from.weather),
        temperature = text(from.temperature),
        wind = text(from.wind),
        day_icon_url = text(from.dayPictureUrl),
        night_icon_url = text(from.nightPictureUrl),
        custom_icon = text(from.customIcon),
        created_at = created and created:gsub(" ", "T", 1) .. "+08:00" or null,
    }
end

local function indicator(from)
    local value = number(from.value)
    return {
        key = text(from.key),
        name = text(from.name),
        kind = tonumber(from.type) == 1 and "ratio" or "other",
        value = value ~= null and value or text(from.value),
    }
end

local function map(parts, translate)
    local translated = {}
    for place, part in ipairs(parts) do
        translated[place] = translate(part)
    end
    return translated
end

function shapes.flow(store, data)
    return cjson.encode({
        store_id = store,
        visitors = { today = number(data.DAY_FLOW), this_week = number(data.WEEK_FLOW), this_month = number(data.MONTH_FLOW) },
        sales = {
            total = number(data.TOTAL_SALE),
            average_spend = number(data.EXPENDITURE),
            purchase_rate_percent = number(data.BUY_RATE),
        },
        store_entry_rate_percent = number(data.ENTER_RATE),
        fitting_room_rate_percent = number(data.FITTING_RATE),
        weather = weather(data.WEATHER),
        indicators = map(list(data.cfgData), indicator),
        observed_at = os.date("!%Y-%m-%dT%H:%M:%S+08:00", ngx.time() + 8 * 3600),
    })
end

local function sum(parts)
    local total = 0
    for _, part in ipairs(parts) do
        total = total + tonumber(part.peopleNum)
    end
    return total
end

local function share(people, all)
    return all > 0 and math.floor(people * 1000 / all + 0.5) / 10 or null
end

local GENDERS = { "male", "female" }

function shapes.demographics(store, from, to, data)
    local genders, ages = list(data.genderDistribution), list(data.ageDistribution)
    local by_gender, by_age = sum(genders), sum(ages)
    return cjson.encode({
        store_ids = { store },
        period = { from = from, to = to },
        visitors = by_gender,
        gender = map(genders, function(part)
            local people = tonumber(part.peopleNum)
            local gender = GENDERS[tonumber(part.gender)] or "unknown"
            return { gender = gender, visitors = people, share_percent = share(people, by_gender) }
        end),
        age = map(ages, function(part)
            local people = tonumber(part.peopleNum)
            return {
                from = number(part.ageFrom), to = number(part.ageTo), visitors = people,
                share_percent = share(people, by_age),
            }
        end),
    })
end

return shapes
