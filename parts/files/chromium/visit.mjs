// Draws the page of a server: node visit.mjs PROGRAM ADDRESS PICTURE WIDTH HEIGHT [USER PASSWORD]. Signs in where the page
// asks for a password. Prints the title of the page.
import puppeteer from "puppeteer-core";

const [program, address, picture, width, height, user, password] = process.argv.slice(2);
const QUIET = { waitUntil: "networkidle2", timeout: 120000 };
const browser = await puppeteer.launch({
  executablePath: program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"],
  headless: true, // the whole browser: pages of applications stay empty in its shell
  pipe: true,
  protocolTimeout: 240000,
});
try {
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(() => {
    window.skip = () => [...document.querySelectorAll("button")].find((each) => each.innerText.trim() === "Skip");
  });
  await page.setViewport({ width: Number(width), height: Number(height) });
  await page.goto(address, QUIET);
  const secret = await page.$("input[type=password]");
  if (secret !== null && password !== undefined) {
    const name = await page.$("input:not([type=password]):not([type=hidden]):not([type=checkbox])");
    await name.type(user);
    await secret.type(password);
    await Promise.all([page.waitForNavigation(QUIET), secret.press("Enter")]);
    await page.goto(address, QUIET);
  }
  // A page that a script draws is empty at first.
  await page.waitForFunction(() => document.body.innerText.trim().length > 100, { timeout: 120000 });
  await page.waitForNetworkIdle({ concurrency: 2, timeout: 120000 });
  await page.evaluate(() => skip()?.click()); // a greeting
  await page.waitForFunction(() => skip() === undefined, { timeout: 120000 });
  await page.screenshot({ path: picture });
  console.log(await page.title());
} finally {
  await browser.close();
}
