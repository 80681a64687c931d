export { BOARD_PATH, createBoard } from './board.ts';
