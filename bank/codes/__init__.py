"""Codes of the trade, read and built: pure, no Django, no database. Sentences about them: bank.code_messages.

Facts are those of ISBT 128 (ST-001), of the WMDA dictionary and of the European directives 2006/86 and 2015/565, as far
as the domain notes quote them; no table of ICCBBA is here.
"""
