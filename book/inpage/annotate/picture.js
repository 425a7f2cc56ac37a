// The reader's own picture in the input's place: chosen or pasted, cut to the sizes that are fed. It never leaves the page.
import { middleOf } from "../compute/middle.js";
import { explained, trouble } from "../compute/troubles.js";
import { element } from "../page/element.js";
import { onPaste, pictureInput } from "../page/own-picture.js";
import { inWords, words } from "../page/words.js";

// `changed()`: there is another picture, or none any more.
export function ownPicture({ changed }) {
  const file = pictureInput("annotate-picture", bring), said = element("span", { role: "status" });
  const reset = element("button", {
    type: "button", hidden: true, textContent: words("换回书里的照片", "Back to the book's photograph"), onclick: () => {
      file.focus();
      take(null);
    },
  });
  const label = element("label", { for: file.id, textContent: words("输入换成你的照片（可以粘贴；不会离开这一页）", "Your own photo as the input (paste works; it never leaves this page)") });
  const box = element("div", { className: "an-own", hidden: true }, label, file, reset, said);
  let picture = null, sizes = [];
  onPaste((pasted) => !box.hidden && bring(pasted));

  async function bring(blob) {
    try {
      await middleOf(blob, { height: 1, width: 1 });
    } catch {
      said.textContent = inWords(explained(trouble("bad-picture")));
      return;
    }
    take(blob);
  }

  function take(blob) {
    picture = blob;
    if (!blob) file.value = "";
    reset.hidden = !blob;
    said.textContent = "";
    changed();
  }

  // `inputs`: shapes, `integers`: whether of whole numbers; a picture is of three channels.
  function show({ inputs, integers }) {
    const pictures = inputs.filter((shape, at) => shape.length === 4 && shape[1] === 3 && !integers[at]);
    sizes = [...new Map(pictures.map(([, , height, width]) => [`${height}×${width}`, { height, width }])).values()];
    box.hidden = !sizes.length;
  }

  // The reader's picture in each size that is fed, or null.
  const cut = () => (picture && sizes.length ? Promise.all(sizes.map((size) => middleOf(picture, size))) : null);

  return { box, show, cut };
}
