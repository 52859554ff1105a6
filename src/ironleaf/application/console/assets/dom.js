"use strict";
// What both pages build with. Everything that comes from a file or the service enters as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

const find = (id) => document.getElementById(id);
const words = JSON.parse(find("words").textContent);
const say = (name, slots = {}) =>
  words.say[name].replace(/\{(\w+)\}/g, (_, slot) => String(slots[slot] ?? ""));

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

function draw(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}
