// session.js - the desk's token, kept for this tab only. A demo hands one out; elsewhere a trader
// pastes one.

const TOKEN = "overround.desk.token";

// What a token says of its bearer; null when it is none. The server checks it, the page only reads.
export function claimsOf(token) {
  try {
    const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (each) => each.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims.sub === "string" ? claims : null;
  } catch {
    return null;
  }
}

export class Session {
  constructor(api) {
    this.api = api;
    this.user = "";
    this.demo = false;
  }

  // True when there is a token to go on with.
  async begin() {
    const saved = sessionStorage.getItem(TOKEN);
    if (saved && this.take(saved)) return true;
    const answer = await this.api.session(); // Unanswered goes to the caller
    if (!answer.body.token) return false;
    this.demo = true;
    return this.take(answer.body.token);
  }

  take(token) {
    const claims = claimsOf(token.trim());
    if (!claims || claims.exp * 1000 < Date.now()) return false;
    this.api.options.token = token.trim();
    this.user = claims.sub;
    sessionStorage.setItem(TOKEN, token.trim());
    return true;
  }

  end() {
    sessionStorage.removeItem(TOKEN);
    this.api.options.token = null;
    this.user = "";
  }
}
