"""x"""
CASES: list = []
