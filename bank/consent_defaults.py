"""The proposals with which a bank begins its consent form and its questionnaire; nobody is asked by them as they are.

Our own words, written for this program: a bank lays its form before its authority and its lawyers first.
"""

from __future__ import annotations

from typing import Any, Final

from bank.choices_consent import ConsentPurpose, QuestionKind, YesNo

_P = ConsentPurpose
_Y, _N = YesNo.YES.value, YesNo.NO.value

CONSENT: Final[tuple[dict[str, Any], ...]] = (
    {
        "purpose": _P.DONATION.value,
        "text_en": "I give my child's cord blood to the public bank. It is stored for any patient whom it may help; "
        "it is not kept for my family, and I am not paid for it.",
        "text_zh": "我自愿将孩子的脐带血捐献给公共脐带血库，供任何可能受益的患者使用；"
        "不为我的家庭保留，我不因此获得报酬。",
    },
    {
        "purpose": _P.TESTING.value,
        "text_en": "My blood may be taken and tested for infections and tissue type, and I am told of a finding that "
        "concerns my health.",
        "text_zh": "同意采集我的血液，检测感染性疾病和组织配型；如发现与我健康有关的结果，请告知我。",
    },
    {
        "purpose": _P.SAMPLES.value,
        "text_en": "Small samples of the cord blood and of my blood may be kept for later tests of this donation.",
        "text_zh": "同意保留少量脐带血样本和我的血液样本，用于本次捐献日后的检测。",
    },
    {
        "purpose": _P.RESEARCH.value,
        "text_en": "If the cord blood cannot be used for a patient, it may be used for research that an ethics "
        "committee has approved.",
        "text_zh": "如脐带血不能用于患者，同意将其用于经伦理委员会批准的研究。",
    },
    {
        "purpose": _P.CONTACT.value,
        "text_en": "The bank may contact me later about the health of my child and of my family.",
        "text_zh": "同意脐带血库日后就我的孩子和家人的健康情况与我联系。",
    },
    {
        "purpose": _P.ABROAD.value,
        "text_en": "Data about the cord blood, genetic ones too, may be sent to registries and hospitals abroad under "
        "a code, without my name.",
        "text_zh": "同意将脐带血的有关数据（包括遗传数据）以编码形式、不含我的姓名，提供给境外的登记机构和医院。",
    },
)


def _asked(text_en: str, text_zh: str, defers_on: str = _Y) -> dict[str, Any]:
    return {
        "kind": QuestionKind.YES_NO.value,
        "defers_on": defers_on,
        "text_en": text_en,
        "text_zh": text_zh,
    }


QUESTIONS: Final[tuple[dict[str, Any], ...]] = (
    _asked("Do you feel well today?", "您今天感觉身体健康吗？", _N),
    _asked(
        "In the last 12 months, were you in a region with malaria, Zika or another infection carried by insects?",
        "近 12 个月内，您是否到过疟疾、寨卡或其他虫媒传染病流行地区？",
    ),
    _asked(
        "Did you have a fever or a rash during the pregnancy of which nobody found the cause?",
        "怀孕期间，您是否有过原因不明的发热或皮疹？",
    ),
    _asked(
        "Did you ever have hepatitis, HIV, syphilis, tuberculosis or Chagas disease, or did a test point to one?",
        "您是否曾患肝炎、艾滋病、梅毒、结核病或恰加斯病，或检测结果提示可能感染？",
    ),
    _asked(
        "In the last 12 months, did you have a tattoo, a piercing or an injury by a used needle?",
        "近 12 个月内，您是否文身、穿孔或被用过的针头刺伤？",
    ),
    _asked(
        "In the last 12 months, did you receive blood, blood products or a transplant?",
        "近 12 个月内，您是否接受过输血、血液制品或移植？",
    ),
    _asked(
        "Does an inherited disease of the blood run in either parent's family, such as thalassaemia, sickle cell "
        "disease or haemophilia?",
        "父母任一方家族中是否有遗传性血液病，如地中海贫血、镰状细胞病或血友病？",
    ),
    _asked(
        "Does an inherited disease of the immune system or of metabolism run in either family?",
        "父母任一方家族中是否有遗传性免疫缺陷或代谢病？",
    ),
    _asked(
        "Did you, the father or a child of yours ever have leukaemia, lymphoma or another cancer?",
        "您、孩子的父亲或您的子女是否曾患白血病、淋巴瘤或其他癌症？",
    ),
    _asked(
        "Did you take medicines during the pregnancy other than vitamins and iron?",
        "怀孕期间，除维生素和铁剂外，您是否服用过其他药物？",
        "",
    ),
    _asked(
        "Was the egg or the sperm that of another donor?",
        "本次妊娠的卵子或精子是否由他人捐赠？",
    ),
    {
        "kind": QuestionKind.TEXT.value,
        "defers_on": "",
        "text_en": "Which medicines, and what else should we know?",
        "text_zh": "服用过哪些药物？还有哪些情况需要告诉我们？",
    },
)
PROPOSALS: Final = {"consent": CONSENT, "questions": QUESTIONS}
