// What the scripts say, in the language of the page: the server puts the words into an element (jobs/dashboard/words.py).
const element = document.getElementById("words");
const words = element ? JSON.parse(element.textContent) : {};

export const word = (name, value = "") => (words[name] ?? name).replace("{}", value);
