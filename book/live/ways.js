// What the connect dialog shows before its fields: the ways that need nothing, and the commands that start a Jupyter.

const MIRROR = "https://mirrors.aliyun.com/pypi/simple/";

/** The cloud services, and where they take a download, as the chapter's menu has them (run-elsewhere.html). */
export function nothingToInstall(words, edition) {
  const menu = document.querySelector(".elsewhere-menu");
  const copy = (selector) => [...menu.querySelectorAll(selector)].map((link) => link.cloneNode(true));
  const [services] = copy(".elsewhere-services");
  services?.removeAttribute("aria-labelledby");
  const [download] = copy(`a[download$=".${edition}.ipynb"]`);
  download.textContent = words("下载这一章的笔记本", "Download this chapter's notebook");
  const places = copy(".elsewhere-upload a").flatMap((place, index) => [index ? " · " : " → ", place]);
  const open = words("点一下，这一章就在浏览器里打开，改了就能运行：", "One click opens this chapter in the browser, to change and run:");
  const send = services
    ? words("也可以下载，再传到其中一家：", "Or download it, and upload it to one of these:")
    : words("下载，再传到其中一家，改了就能运行：", "Download it, and upload it to one of these, to change and run:");
  return [
    Object.assign(document.createElement("h2"), { textContent: words("什么也不用装", "Nothing to install") }),
    paragraph(words(
      "就在这一页里：每一格下面都有“运行”，头一次点它会载入 Python。",
      "Right in this page: every cell has “Run” below it, and the first click on one loads Python.",
    )),
    ...(services ? [paragraph(open), services] : []),
    paragraph(send),
    paragraph(download, ...places),
    paragraph(...copy(".elsewhere-more")),
  ];
}

/** Links for a sentence about what a page cannot do: this chapter in the cloud, or its notebook to take there. */
export function places(words, edition) {
  const menu = document.querySelector(".elsewhere-menu");
  if (!menu) return [];
  const services = [...menu.querySelectorAll(".elsewhere-services a")];
  const download = menu.querySelector(`a[download$=".${edition}.ipynb"]`);
  const found = services.length ? services : [download, ...menu.querySelectorAll(".elsewhere-upload a")];
  return [...found, menu.querySelector(".elsewhere-more")].filter(Boolean).flatMap((link, index) => {
    const copy = link.cloneNode(true);
    if (link === download) copy.textContent = words("这一章的笔记本", "This chapter's notebook");
    return index ? [" · ", copy] : [copy];
  });
}

/** The commands, for the terminal of Windows (PowerShell and cmd) or of other systems; the reader's own comes first. */
export function commands(words) {
  const wheel = new URL(document.querySelector(".elsewhere").dataset.wheel, location).href;
  const mirror = document.documentElement.lang.startsWith("zh") ? ` -i ${MIRROR}` : "";
  // Double quotes mean the same to PowerShell, cmd and sh. The environment sees the machine's own PyTorch.
  const forSystem = (python, own) => ({
    once: `${python} -m venv --system-site-packages bottleneck\n${own} -m pip install${mirror} "${wheel}" jupyter-server ipykernel`,
    always: `${own} -m jupyter_server --no-browser "--ServerApp.allow_origin=${location.origin}"`,
  });
  const systems = [
    { name: words("Windows（PowerShell 或 cmd）", "Windows (PowerShell or cmd)"), ...forSystem("py", "bottleneck\\Scripts\\python") },
    { name: words("macOS、Linux", "macOS, Linux"), ...forSystem("python3", "bottleneck/bin/python") },
  ];
  if (!navigator.userAgent.includes("Windows")) systems.reverse();

  const python = Object.assign(document.createElement("a"), { href: "https://www.python.org/downloads/", textContent: "python.org" });
  const once = document.createElement("pre");
  const always = document.createElement("pre");
  const show = (system) => {
    once.replaceChildren(...inWords(system.once));
    always.replaceChildren(...inWords(system.always));
  };
  show(systems[0]);
  const choice = Object.assign(document.createElement("fieldset"), { className: "live-systems" });
  choice.append(Object.assign(document.createElement("legend"), { textContent: words("终端", "Terminal") }));
  for (const system of systems) {
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "system", checked: system === systems[0] });
    input.addEventListener("change", () => show(system));
    const label = document.createElement("label");
    label.append(input, ` ${system.name}`);
    choice.append(label);
  }
  return [
    choice,
    paragraph(words("只做一次：装好它要的东西。还没有 Python，就先装它：", "Once: install what it needs. Without Python, install that first:"), " ", python),
    copied(once, words),
    paragraph(words("每一次：启动一个只让这个网站进来的 Jupyter，把它打印的地址贴到下面。", "Each time: start a Jupyter that lets only this site in, and paste the address that it prints below.")),
    copied(always, words),
  ];
}

/** A line too long for the screen breaks between words only: not after the hyphens of an option. */
function inWords(text) {
  return text.split(/(\s)/).map((word) => (word.trim() ? Object.assign(document.createElement("span"), { textContent: word }) : word));
}

function copied(pre, words) {
  const box = Object.assign(document.createElement("div"), { className: "live-command" });
  box.append(pre);
  if (navigator.clipboard) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: words("复制", "Copy") });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = words("已复制", "Copied");
    });
    box.append(button);
  }
  return box;
}

function paragraph(...content) {
  const made = document.createElement("p");
  made.append(...content);
  return made;
}
