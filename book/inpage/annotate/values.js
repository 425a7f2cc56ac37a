// What each line of an explained class makes of real numbers: small maps below its code, computed once the words are
// there, and on request the whole card, drawn as a cell draws it.
import { explained } from "../compute/troubles.js";
import { element } from "../page/element.js";
import { withCode } from "../page/with-code.js";
import { inWords, words } from "../page/words.js";

// `language()`: of the words in what is drawn.
export function values({ kernel, base, language }) {
  const text = element("span", {});
  const stop = element("button", { type: "button", textContent: words("不算了", "Stop computing"), hidden: true, onclick: () => kernel.stop() });
  const said = element("p", { className: "an-values-said", role: "status" }, text, " ", stop);
  let round = 0; // an answer to what was asked before the last `bring` comes too late

  function forget() {
    round += 1;
    text.textContent = "";
    stop.hidden = true;
  }

  // `items`: the elements of the lines. `pictures`: a promise of ImageData, to be fed for the book's photograph, or null.
  async function bring(items, pictures) {
    const own = (round += 1), isLate = () => own !== round;
    if (!items.length) return;
    for (const item of items) item.querySelectorAll(":scope > :is(.an-glimpse, .an-card)").forEach((shown) => shown.remove());
    text.textContent = words("正在用真正的数值再运行一遍…", "Running it once more with real values…");
    stop.hidden = false;
    try {
      const { Output } = await import(new URL("../live/output.js", base));
      const draw = (place, { type, content }) => new Output(place, language(), words, true).take({ header: { msg_type: type }, content });
      const end = await kernel.values((message) => {
        if (isLate()) return;
        const { line } = message.content, place = element("div", { className: "an-glimpse lw-card" });
        draw(place, message);
        items[line].append(place, wholeCard(line, draw));
      }, await pictures);
      if (!isLate()) text.replaceChildren(...(end ? withCode(inWords(end)) : []));
    } catch (error) {
      if (error.cause) console.warn(error.cause); // for whoever mends it
      if (!isLate()) text.textContent = inWords(explained(error));
    } finally {
      if (!isLate()) stop.hidden = true;
    }
  }

  function wholeCard(line, draw) {
    const place = element("div", {}), note = element("p", { className: "an-drawing", role: "status", textContent: words("正在画…", "Drawing…") });
    const fold = element("details", { className: "an-card" },
      element("summary", { textContent: words("卡片：形状、特征图、计算图", "Card: shapes, maps, graph") }), note, place);
    let asked = false;
    fold.addEventListener("toggle", async () => {
      if (asked || !fold.open) return;
      asked = true;
      try {
        await kernel.card(line, (message) => draw(place, message));
        note.remove();
      } catch (error) {
        asked = false;
        note.textContent = inWords(explained(error));
      }
    });
    return fold;
  }

  return { said, bring, forget };
}
