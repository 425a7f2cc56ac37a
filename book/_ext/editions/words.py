"""The theme's frame in the language of the edition, without the scripts that the page's policy forbids."""

import re

CHINESE = {
    "Color mode": "颜色模式",
    "light/dark": "颜色模式",
    "Link to this code": "这段代码的固定链接",
    "Link to this image": "这张图的固定链接",
    "Link to this table": "这张表的固定链接",
    "Main": "各章",
    "next page": "下一页",
    "Page": "本页目录",
    "previous page": "上一页",
    "Search...": "搜索本书…",
    "System Settings": "跟随系统",
    "Toggle primary sidebar": "显示或隐藏目录",
    "Toggle secondary sidebar": "显示或隐藏右栏",
    "Version warning": "版本提示",
}
TEXTS = {"Back to top": "回到顶部", "Skip to main content": "跳转至主要内容"}
ATTRIBUTE = re.compile(rf'="({"|".join(map(re.escape, CHINESE))})"')
# How the theme that Python 3.10 takes writes its buttons.
WRITTEN = re.compile(r"<script>\s*document\.write\(`(.*?)`\);?\s*</script>", re.DOTALL)


def in_edition(html, edition):
    """Translates what the theme's catalogues leave in English; the edition with both languages has it in Chinese."""
    html = WRITTEN.sub(r"\1", html)
    if edition == "en":
        return html
    for text, chinese in TEXTS.items():
        html = html.replace(f">{text}<", f">{chinese}<")
    return ATTRIBUTE.sub(lambda match: f'="{CHINESE[match[1]]}"', html)
