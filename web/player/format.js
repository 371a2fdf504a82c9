// format.js - in which form prices are read; kept in this browser.

import { FORMATS, price } from "../shared/odds.js";

const FORMAT = "overround.format";

export class Format {
  // select: the control; onChange() after another choice.
  constructor(select, onChange) {
    this.value = read();
    for (const [value, text] of FORMATS) select.append(new Option(text, value, false, value === this.value));
    select.addEventListener("change", () => {
      this.value = select.value;
      keep(this.value);
      onChange();
    });
    this.show = (odds, oddsExact) => price(odds, this.value, oddsExact);
  }
}

function read() {
  try {
    const kept = localStorage.getItem(FORMAT);
    return FORMATS.some(([value]) => value === kept) ? kept : "decimal";
  } catch {
    return "decimal"; // storage may be forbidden
  }
}

function keep(value) {
  try {
    localStorage.setItem(FORMAT, value);
  } catch {
    // then it holds for this visit
  }
}
