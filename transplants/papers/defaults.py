"""The proposals with which a bank begins its texts. On paper they are marked as unconfirmed until it approves its own.

Sources as in the domain notes (workflow 1.1): the label of a licensed cord blood and the practice of public banks. The
rest is in our own words. A line that begins with "# " is a heading, with "- " a step, with "! " a warning.
"""

from __future__ import annotations

from typing import Final

from transplants.choices_papers import TextKind

_THAW_EN: Final = """\
# Before thawing
- Leave the unit in the shipper or at −150 °C or colder until the patient is ready for the infusion.
- Two people compare the number on the bag, on this paper and on the order, and the patient's identity.
- Look at the bag: one that is cracked or leaks is not thawed. Call the bank.
! Do not irradiate the unit. Do not use a leukocyte filter.
# Thawing
- Thaw and prepare the unit by the procedure that your centre has validated. Thaw a unit only once.
- Write down the hour at which it was thawed, the method, the volume, and the count and viability of the cells.
# After thawing
- With the cryoprotectant left in: at 4 to 25 °C, infuse within 4 hours (HEMACORD label).
- With the cryoprotectant washed out: at 4 °C, infuse within 24 hours (HEMACORD label).
- Not more than 1 g of DMSO per kg of body weight in one day (HEMACORD label).
# Afterwards
- Report the infusion, what was counted, and every reaction to the bank.
- A unit that is not used is not thrown away and not given to another patient: call the bank.
"""
_THAW_ZH: Final = """\
# 复苏前
- 患者准备好输注之前，请将脐带血留在运输罐内，或保存在 −150 °C 或更低温度。
- 由两人核对血袋、本说明和订单上的编号，并核对患者身份。
- 检查血袋：有裂纹或渗漏时不得复苏，请立即致电脐血库。
! 不得辐照。不得使用白细胞滤器。
# 复苏
- 按本中心验证过的操作规程复苏和准备。每份脐带血只能复苏一次。
- 记录复苏时间、方法、体积、细胞计数和活率。
# 复苏后
- 未洗去冷冻保护剂：4 至 25 °C 保存，4 小时内输注（HEMACORD 说明书）。
- 已洗去冷冻保护剂：4 °C 保存，24 小时内输注（HEMACORD 说明书）。
- DMSO 用量每天不超过 1 g/kg 体重（HEMACORD 说明书）。
# 之后
- 请向脐血库报告输注情况、计数结果和所有不良反应。
- 未使用的脐带血不得丢弃，也不得用于其他患者：请致电脐血库。
"""
_CARRIERS_EN: Final = """\
# Contents
- Human cells (blood stem cells from umbilical cord blood) for transplantation into one patient who waits for them.
- Not for sale and without commercial value. The value for customs is nominal.
# Cooling
- Dry shipper: nitrogen, refrigerated liquid (UN 1977), wholly absorbed in a porous material.
- Not restricted, as per IATA special provision A152. No dry ice, no free liquid.
# Handling
! Do not X-ray. Do not open. Do not delay. Keep upright.
- The cells cannot be replaced. Warming above −150 °C may cost the patient's life.
- If the way is held up, call the bank at any hour.
"""
_CARRIERS_ZH: Final = """\
# 内容物
- 人体细胞（脐带血造血干细胞），用于移植给一名正在等待的患者。
- 非卖品，无商业价值；海关申报价值仅为象征性。
# 制冷
- 干式液氮运输罐：冷冻液态氮（UN 1977）已全部吸附于多孔材料中。
- 依据 IATA 特殊规定 A152，不受限制。无干冰，无游离液体。
# 操作
! 不得过 X 光机。不得开启。不得延误。保持直立。
- 该细胞无法替代。升温至 −150 °C 以上可能危及患者生命。
- 运输受阻时，请随时致电脐血库。
"""
# No bank has our address: until it gives its own there is none.
PROPOSALS: Final[dict[str, tuple[str, str]]] = {
    TextKind.THAW: (_THAW_EN, _THAW_ZH),
    TextKind.CARRIERS: (_CARRIERS_EN, _CARRIERS_ZH),
    TextKind.SENDER: ("", ""),
}
