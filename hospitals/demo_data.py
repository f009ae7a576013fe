"""Lists that demo.py draws from: places, common names, and what patients have (ASSUMED proportions)."""

from __future__ import annotations

# province, city, city in Chinese
CITIES: tuple[tuple[str, str, str], ...] = (
    ("Shanghai", "Shanghai", "上海"),
    ("Beijing", "Beijing", "北京"),
    ("Guangdong", "Guangzhou", "广州"),
    ("Zhejiang", "Hangzhou", "杭州"),
    ("Jiangsu", "Nanjing", "南京"),
    ("Sichuan", "Chengdu", "成都"),
    ("Hubei", "Wuhan", "武汉"),
    ("Shandong", "Jinan", "济南"),
    ("Henan", "Zhengzhou", "郑州"),
    ("Hunan", "Changsha", "长沙"),
    ("Fujian", "Fuzhou", "福州"),
    ("Anhui", "Hefei", "合肥"),
    ("Shaanxi", "Xi'an", "西安"),
    ("Chongqing", "Chongqing", "重庆"),
    ("Tianjin", "Tianjin", "天津"),
    ("Liaoning", "Shenyang", "沈阳"),
    ("Heilongjiang", "Harbin", "哈尔滨"),
    ("Jilin", "Changchun", "长春"),
    ("Hebei", "Shijiazhuang", "石家庄"),
    ("Shanxi", "Taiyuan", "太原"),
    ("Jiangxi", "Nanchang", "南昌"),
    ("Guangxi", "Nanning", "南宁"),
    ("Yunnan", "Kunming", "昆明"),
    ("Guizhou", "Guiyang", "贵阳"),
    ("Gansu", "Lanzhou", "兰州"),
    ("Inner Mongolia", "Hohhot", "呼和浩特"),
    ("Xinjiang", "Urumqi", "乌鲁木齐"),
    ("Ningxia", "Yinchuan", "银川"),
    ("Qinghai", "Xining", "西宁"),
    ("Hainan", "Haikou", "海口"),
    ("Guangdong", "Shenzhen", "深圳"),
    ("Jiangsu", "Suzhou", "苏州"),
    ("Shandong", "Qingdao", "青岛"),
    ("Zhejiang", "Ningbo", "宁波"),
    ("Liaoning", "Dalian", "大连"),
    ("Fujian", "Xiamen", "厦门"),
)

# number of the hospital: city, city in Chinese, country
ABROAD: dict[int, tuple[str, str, str]] = {
    37: ("Singapore", "新加坡", "SG"),
    64: ("Hong Kong", "香港", "HK"),
    91: ("Bangkok", "曼谷", "TH"),
}

# name, in Chinese, who takes its shipments where that is not the hospital's own contact
DEPARTMENTS: tuple[tuple[str, str, str], ...] = (
    ("Haematology", "血液科", ""),
    ("Paediatrics", "儿科", "Paediatric transplant ward"),
)

FAMILY_NAMES = ("Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Zhao", "Huang", "Zhou", "Wu", "Xu", "Sun")
GIVEN_NAMES = (
    "Min",
    "Jing",
    "Wei",
    "Fang",
    "Lei",
    "Yan",
    "Jun",
    "Ping",
    "Hui",
    "Bo",
    "Xin",
    "Rui",
    "Na",
    "Qiang",
)

# diagnosis, youngest and oldest age in years, share
CASE_ROWS: tuple[tuple[str, float, float, float], ...] = (
    ("aml", 1, 60, 22),
    ("all", 1, 45, 24),
    ("mds", 2, 60, 9),
    ("saa", 2, 40, 10),
    ("thalassaemia", 1, 14, 9),
    ("cml", 15, 55, 3),
    ("nhl", 8, 55, 4),
    ("jmml", 0.5, 6, 2),
    ("wiskott_aldrich", 0.3, 5, 3),
    ("scid", 0.1, 1.5, 3),
    ("cgd", 1, 10, 2),
    ("fanconi", 3, 12, 2),
    ("hlh", 0.5, 20, 2),
    ("mld", 0.8, 6, 1.5),
    ("ald", 4, 12, 1.5),
    ("krabbe", 0.1, 1, 0.7),
    ("mps1", 0.5, 3, 1),
    ("osteopetrosis", 0.2, 3, 1),
)
CASES = tuple((diagnosis, youngest, oldest) for diagnosis, youngest, oldest, _share in CASE_ROWS)
