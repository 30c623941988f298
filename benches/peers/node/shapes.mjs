// From what the gateway sends to what callers get, as the API documents it.

// 12.5, "12.5", "12.5%", "", null and "--" all occur.
function number(value) {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return null;
  const text = value.trim().replace(/%$/, '');
  return text === '' || Number.isNaN(Number(text)) ? null : Number(text);
}

const text = (value) => (value === undefined || value === null || value === '' ? null : String(value));
const list = (value) => (Array.isArray(value) ? value : value ? [value] : []);
const china = (moment) => new Date(moment + 8 * 3_600_000).toISOString().slice(0, 19) + '+08:00';

export function flow(store, data) {
  return {
    store_id: store,
    visitors: { today: number(data.DAY_FLOW), this_week: number(data.WEEK_FLOW), this_month: number(data.MONTH_FLOW) },
    sales: {
      total: number(data.TOTAL_SALE),
      average_spend: number(data.EXPENDITURE),
      purchase_rate_percent: number(data.BUY_RATE),
    },
    store_entry_rate_percent: number(data.ENTER_RATE),
    fitting_room_rate_percent: number(data.FITTING_RATE),
    weather: data.WEATHER ? weather(data.WEATHER) : null,
    indicators: list(data.cfgData).map(indicator),
    observed_at: china(Date.now()),
  };
}

function weather(from) {
  return {
    id: number(from.id),
    city_id: text(from.cityId),
    date: text(from.weatherDate),
    category: text(from.classify),
    description: text(from.weather),
    temperature: text(from.temperature),
    wind: text(from.wind),
    day_icon_url: text(from.dayPictureUrl),
    night_icon_url: text(from.nightPictureUrl),
    custom_icon: text(from.customIcon),
    created_at: from.createDate ? `${from.createDate.replace(' ', 'T')}+08:00` : null,
  };
}

function indicator({ key, name, type, value }) {
  return { key: text(key), name: text(name), kind: number(type) === 1 ? 'ratio' : 'other', value: number(value) ?? text(value) };
}

export function demographics(store, from, to, data) {
  const genders = list(data.genderDistribution);
  const ages = list(data.ageDistribution);
  const sum = (parts) => parts.reduce((total, part) => total + number(part.peopleNum), 0);
  const share = (people, all) => (all > 0 ? Math.round((people * 1000) / all) / 10 : null);
  const [byGender, byAge] = [sum(genders), sum(ages)];
  return {
    store_ids: [store],
    period: { from, to },
    visitors: byGender,
    gender: genders.map(({ gender, peopleNum }) => ({
      gender: { 1: 'male', 2: 'female' }[gender] ?? 'unknown',
      visitors: number(peopleNum),
      share_percent: share(number(peopleNum), byGender),
    })),
    age: ages.map(({ ageFrom, ageTo, peopleNum }) => ({
      from: number(ageFrom),
      to: number(ageTo),
      visitors: number(peopleNum),
      share_percent: share(number(peopleNum), byAge),
    })),
  };
}
