"""The theme's words that its own catalogues leave in English."""

import re

CHINESE = {
    "Color mode": "颜色模式",
    "Link to this code": "这段代码的固定链接",
    "Link to this image": "这张图的固定链接",
    "Link to this table": "这张表的固定链接",
    "Main": "各章",
    "Page": "本页目录",
    "Search...": "搜索本书…",
    "System Settings": "跟随系统",
    "Toggle primary sidebar": "显示或隐藏目录",
    "Toggle secondary sidebar": "显示或隐藏右栏",
}
ATTRIBUTE = re.compile(rf'="({"|".join(map(re.escape, CHINESE))})"')


def in_edition(html, edition):
    """Translates attributes of `html`; the edition with both languages has its theme in Chinese."""
    return html if edition == "en" else ATTRIBUTE.sub(lambda match: f'="{CHINESE[match[1]]}"', html)
