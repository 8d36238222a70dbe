// Where the site begins, "/" or the path that a proxy offers it under: this file lies two folders below.
export const ROOT = new URL("../..", import.meta.url).pathname;
