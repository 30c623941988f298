//! The cities of the simulated stores.

/// A city.
#[derive(Debug, PartialEq, Eq)]
pub struct City {
    /// The province; a municipality is its own.
    pub province: &'static str,
    /// The Chinese name.
    pub chinese: &'static str,
    /// The English name.
    pub english: &'static str,
    /// The telephone area code.
    pub area_code: &'static str,
    /// The postal code.
    pub zip: &'static str,
    /// The weather service's number of the city.
    pub weather_id: i64,
    /// The mean temperatures of January and July, in °C.
    pub temperatures: (i64, i64),
    /// The districts, as in addresses and store names.
    pub districts: [&'static str; 3],
}

const CITIES: [City; 12] = [
    city(("北京", "北京"), "Beijing", ("010", "100000"), 101_010_100, (-3, 27), ["朝阳区", "海淀区", "西城区"]),
    city(("上海", "上海"), "Shanghai", ("021", "200000"), 101_020_100, (5, 29), ["静安区", "徐汇区", "浦东新区"]),
    city(("广东省", "广州"), "Guangzhou", ("020", "510000"), 101_280_101, (14, 29), ["天河区", "越秀区", "海珠区"]),
    city(("广东省", "深圳"), "Shenzhen", ("0755", "518000"), 101_280_601, (16, 29), ["福田区", "南山区", "罗湖区"]),
    city(("四川省", "成都"), "Chengdu", ("028", "610000"), 101_270_101, (6, 26), ["锦江区", "武侯区", "青羊区"]),
    city(("浙江省", "杭州"), "Hangzhou", ("0571", "310000"), 101_210_101, (5, 29), ["上城区", "西湖区", "滨江区"]),
    city(("江苏省", "南京"), "Nanjing", ("025", "210000"), 101_190_101, (3, 28), ["玄武区", "鼓楼区", "建邺区"]),
    city(("江苏省", "苏州"), "Suzhou", ("0512", "215000"), 101_190_401, (4, 29), ["姑苏区", "吴中区", "虎丘区"]),
    city(("湖北省", "武汉"), "Wuhan", ("027", "430000"), 101_200_101, (4, 29), ["江汉区", "武昌区", "洪山区"]),
    city(("陕西省", "西安"), "Xi'an", ("029", "710000"), 101_110_101, (0, 27), ["雁塔区", "碑林区", "未央区"]),
    city(("重庆", "重庆"), "Chongqing", ("023", "400000"), 101_040_100, (8, 29), ["渝中区", "江北区", "南岸区"]),
    city(("辽宁省", "沈阳"), "Shenyang", ("024", "110000"), 101_070_101, (-11, 25), ["和平区", "沈河区", "铁西区"]),
];

const fn city(
    (province, chinese): (&'static str, &'static str),
    english: &'static str,
    (area_code, zip): (&'static str, &'static str),
    weather_id: i64,
    temperatures: (i64, i64),
    districts: [&'static str; 3],
) -> City {
    City { province, chinese, english, area_code, zip, weather_id, temperatures, districts }
}

/// The city of the store with this serial number.
pub const fn city_of(serial: u32) -> &'static City {
    &CITIES[serial as usize % CITIES.len()]
}
